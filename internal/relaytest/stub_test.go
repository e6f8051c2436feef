package relaytest_test

func runTills([]string) int { return 1 }
