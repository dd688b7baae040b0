# Reads CTest's LastTest.log and prints "N passed, N failed". A run of Catch2 counts its test cases,
# any other test counts as one. A run that fails without saying which case failed (a crash, a leak
# found at exit) counts as one failure; so does one that ran no case. Exits 1 on any failure, and
# when nothing ran.

function close_block() {
  if (!open || skipped) return
  if (summary && (cases_passed + cases_failed > 0)) {
    passed += cases_passed
    failed += cases_failed
    if (bad && cases_failed == 0) failed++
  } else if (summary || bad) {
    failed++
  } else {
    passed++
  }
}

/^[0-9]+\/[0-9]+ Testing: / {
  close_block()
  open = 1
  summary = skipped = 0
  bad = 1  # until the log says otherwise
  cases_passed = cases_failed = 0
}
/^No tests ran/ { summary = 1 }
/^All tests passed \(.* in [0-9]+ test cases?\)/ {
  summary = 1
  n = $0
  sub(/.* in /, "", n)
  cases_passed = n + 0
}
/^test cases: / {
  summary = 1
  count = split($0, part, "|")
  for (i = 2; i <= count; i++) {
    if (part[i] ~ /passed|failed as expected/) cases_passed += part[i] + 0
    else if (part[i] ~ /failed/) cases_failed += part[i] + 0
  }
}
/^Test Passed\.$/ { bad = 0 }
/^Test (Skipped|Not Run)|^Test not run|SKIP_RETURN_CODE/ { if (/^Test/) skipped = 1 }

END {
  close_block()
  printf "%d passed, %d failed\n", passed, failed
  exit failed > 0 || passed == 0
}
