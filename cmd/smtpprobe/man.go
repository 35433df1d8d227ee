//go:build man

// With the tag man this is no probe: it writes the manual pages of the commands
// into a folder. A build tag, because the pages come from the commands themselves,
// and the program carries neither them nor what writes them.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/smtpprobe/smtpprobe/cmd/smtpprobe/manual"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "want: go run -tags man ./cmd/smtpprobe FOLDER DATE")
		os.Exit(exitUsage)
	}
	if err := writeManual(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUsage)
	}
}

func writeManual(folder, date string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, page := range (manual.Book{Root: rootCommand(streams{}), Date: date, Variable: variableOf}).Pages() {
		if err := os.WriteFile(filepath.Join(folder, page.Name+".1"), []byte(page.Text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
