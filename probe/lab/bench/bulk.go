package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The list of the bulk run, and what a million domains are in its terms.
const (
	bulkDomains   = 20000
	bulkReceivers = 5600
	bulkDead      = bulkReceivers * 15 / 100
	bulkRate      = 200 // new connections a second
	million       = 1000000 / bulkDomains
)

// headlines are the four checks of the comparison of receivers, pipelining in both
// of its forms.
const headlines = "rcpt-before-mail,data-without-rcpt,tls-mail-without-ehlo,pipeline-unadvertised,pipeline-after-helo"

// bulk is a scan of many domains, once: it takes minutes.
func (b *bench) bulk() error {
	s, err := b.startSink("-delay", "150ms", "-domains", strconv.Itoa(bulkDomains),
		"-receivers", strconv.Itoa(bulkReceivers), "-dead", strconv.Itoa(bulkDead))
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	var names strings.Builder
	for i := range bulkDomains {
		fmt.Fprintf(&names, "d%d.example\n", i)
	}
	list, err := write("domains", names.String())
	if err != nil {
		return err
	}
	folder := filepath.Dir(list)
	defer remove(folder)
	result := filepath.Join(folder, "result")
	var u usage
	c, err := s.counting(func() (err error) {
		u, err = b.spend("smtpprobe", "scan", "--check", headlines, "--resolver", s.zone, "--allow-private", "-4", "--port", s.port,
			"--receivers", "1000", "--rate", strconv.Itoa(bulkRate), "--quiet", "-o", result, list)
		return err
	})
	if err != nil {
		return err
	}
	rows, err := os.ReadFile(result)
	if err != nil {
		return err
	}
	if n := strings.Count(string(rows), `"type":"receiver"`); n != bulkReceivers {
		return fmt.Errorf("%d receivers have a row, want %d", n, bulkReceivers)
	}
	what := func(measured string) string {
		return measured + " of a million domains, by scaling a scan of 20,000"
	}
	b.add(row{
		figure: "bulk", measure: what("time"), goal: 4.5, unit: "h", values: []float64{u.wall.Hours() * million},
		note: fmt.Sprintf("%d connections in %.0f s, %.1f to each of %d receivers that answer; %.1f s of CPU",
			c.Connections, u.wall.Seconds(), float64(c.Connections)/(bulkReceivers-bulkDead), bulkReceivers-bulkDead, u.cpu.Seconds()),
	})
	b.add(row{figure: "bulk", measure: what("CPU"), goal: 15, unit: "min", values: []float64{u.cpu.Minutes() * million}})
	b.add(row{figure: "bulk", measure: "resident memory at most in the scan of 20,000", goal: 256, unit: "MiB", values: []float64{float64(u.peak) / (1 << 20)}})
	return nil
}
