package main

import (
	"fmt"
	"strings"
)

// records is a zone of so many domains d0.example, d1.example, ... each with one
// exchange mx.r0.example, mx.r1.example, ... in turn, of a platform of its own.
// The last ones of the receivers are the dead addresses. Below null.example are
// domains that take no mail: looking one up is one query.
func records(domains, receivers, dead int) string {
	var zone strings.Builder
	for i := range domains {
		fmt.Fprintf(&zone, "d%d.example. MX 10 mx.r%d.example.\n", i, i%receivers)
		fmt.Fprintf(&zone, "d%d.null.example. MX 0 .\n", i)
	}
	for i := range receivers {
		net, n := "127.1", i
		if alive := receivers - dead; i >= alive {
			net, n = "127.200", i-alive
		}
		fmt.Fprintf(&zone, "mx.r%d.example. A %s.%d.%d\n", i, net, n/250, n%250+1)
	}
	return zone.String()
}
