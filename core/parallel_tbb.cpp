// The oneTBB back end of core/parallel.h.
