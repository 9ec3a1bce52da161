// Command calculator computes what its three arguments say: calculator 6 x 7.
package main

import "os"

const usage = `usage: calculator NUMBER OPERATOR NUMBER

operators: + - x /
example:   calculator 6 x 7
`

func main() {
	if len(os.Args) == 2 && (os.Args[1] == "--help" || os.Args[1] == "-h") {
		os.Stdout.WriteString(usage)
		return
	}
	if len(os.Args) != 4 {
		os.Stderr.WriteString(usage)
		os.Exit(2)
	}
	result, err := calculate(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		os.Stderr.WriteString("calculator: " + err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString(result + "\n")
}
