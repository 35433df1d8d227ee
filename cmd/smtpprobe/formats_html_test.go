package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"
)

// Of a page: the compressed blocks behind its cells, the rows of its matrix with
// their cells, the checks in the order of those, and the domains.
var (
	htmlBlock  = regexp.MustCompile(`<script type="application/gzip" id="dossier-([0-9]+)">([^<]*)</script>`)
	htmlRow    = regexp.MustCompile(`(?s)<div role="row" class="row" id="r([0-9]+)".*?</div>`)
	htmlCell   = regexp.MustCompile(`<b role=gridcell class="([a-z-]+)([a-z -]*)">([0-9/]*)</b>`)
	htmlCheck  = regexp.MustCompile(`<span role="columnheader">([^<]*)</span>`)
	htmlDomain = regexp.MustCompile(`<tr data-domain="([^"]*)" data-status="([^"]*)" data-reason="([^"]*)">`)
)

// htmlDossier is what stands behind the cells of a receiver.
type htmlDossier struct {
	Address, Status, Reason string
	Port                    int
	Cells                   map[string]struct {
		Verdict, Says, Reason, Agree string
		Code                         int
		Events                       [][]string
	}
}

// readHTML reads what the page would show, and holds each cell of the matrix
// against what opens behind it.
func readHTML(t *testing.T, content string) told {
	said := told{}
	for _, d := range htmlDomain.FindAllStringSubmatch(content, -1) {
		if d[2] != "ok" {
			said.domain(html.UnescapeString(d[1]), d[2], html.UnescapeString(d[3]))
		}
	}
	dossiers := map[string]htmlDossier{}
	for _, b := range htmlBlock.FindAllStringSubmatch(content, -1) {
		d := inflated(t, b[2])
		dossiers[b[1]] = d
		port := fmt.Sprint(d.Port)
		said.receiver(d.Address, port, d.Status, d.Reason)
		for check, c := range d.Cells {
			code := ""
			if c.Code != 0 {
				code = fmt.Sprint(c.Code)
			}
			agree, kind, _ := strings.Cut(c.Agree, " ")
			said.result(d.Address, port, check, c.Verdict, c.Says, code, c.Reason, agree, kind)
		}
	}
	checks := htmlCheck.FindAllStringSubmatch(content, -1)
	for _, row := range htmlRow.FindAllStringSubmatch(content, -1) {
		behind := dossiers[row[1]]
		for i, cell := range htmlCell.FindAllStringSubmatch(row[0], -1) {
			c := behind.Cells[checks[i][1]]
			code := cell[3] == "" || strings.Contains(cell[3], fmt.Sprint(c.Code))
			if cell[1] != c.Verdict || strings.Contains(cell[2], "violates") != (c.Says == "violates") || !code {
				t.Errorf("%s %s: the cell says %q, behind it stands %+v", behind.Address, checks[i][1], cell, c)
			}
		}
	}
	return said
}

func inflated(t *testing.T, block string) htmlDossier {
	t.Helper()
	packed, err := base64.StdEncoding.DecodeString(block)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if shown := raw(string(text)); shown != "" {
		t.Errorf("a block of the page holds %s raw", shown)
	}
	var d htmlDossier
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}
