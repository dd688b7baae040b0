"""What the workers in Python share: worker.cpp's protocol, spoken on standard input and output."""
import sys
import time


def calls_of_window(window):
    """So many calls take a millisecond; window(calls) runs them and returns their seconds."""
    calls = 1
    while (seconds := window(calls)) < 1e-3:
        calls = calls * 8 if seconds < 1e-4 else int(calls * 1.2e-3 / seconds) + 1
    return calls


def serve(about, prepare, set_threads=lambda threads: None):
    """prepare(name): a window and the checksum to state, or None for a workload that is not known;
    ValueError or RuntimeError where it cannot be run."""
    print("ready", about, flush=True)
    window, calls = None, 1
    for line in sys.stdin:
        command, *words = line.split()
        if command == "threads":
            set_threads(int(words[0]))
            print("ok")
        elif command == "prepare":
            try:
                window, checksum = prepare(words[0]) or (None, "")
                calls = calls_of_window(window) if window else 1
                print(f"ok {checksum}" if window else "missing")
            except (ValueError, RuntimeError) as error:
                window = None
                print("error", str(error).split("\n")[0])
        elif command == "run":
            end = time.perf_counter() + float(words[0])
            times = []
            while not times or time.perf_counter() < end:
                times.append(window(calls) / calls)
            print("times", *(f"{t:.6g}" for t in times))
        elif command == "quit":
            break
        else:
            print("error unknown command")
        sys.stdout.flush()
