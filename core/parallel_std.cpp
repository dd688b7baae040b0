// The std::thread back end of core/parallel.h.
