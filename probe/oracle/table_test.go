package oracle

import (
	"slices"
	"strings"
	"testing"
)

func TestEmbeddedTableIsUnderstoodWhole(t *testing.T) {
	rows, err := parse(embedded)
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(embedded) {
		if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" {
			lines++
		}
	}
	if len(rows) != lines || len(Rows()) != lines {
		t.Errorf("got %d and %d rows, want %d", len(rows), len(Rows()), lines)
	}
	for _, row := range rows {
		if row.holds == nil {
			t.Errorf("got no guard for %s %s %q, want every guard understood", row.State, row.Command, row.Guard)
		}
		if row.code != 0 && row.Conformant != "421" && !slices.ContainsFunc(row.alternatives, func(a alternative) bool { return a.codes.Has(row.code) }) {
			t.Errorf("got ideal %q of %s %s outside its conformant replies %q", row.Ideal, row.State, row.Command, row.Conformant)
		}
	}
}

func TestEveryGuardIsUsed(t *testing.T) {
	used := make(map[string]bool)
	for _, row := range Rows() {
		used[strings.TrimPrefix(row.Guard, "? ")] = true
	}
	for text := range guards() {
		if !used[text] {
			t.Errorf("got guard %q in no row, want every guard in the table", text)
		}
	}
}

func TestEveryChoiceNamesARow(t *testing.T) {
	for _, choice := range []Choice{
		ChoiceAhead, ChoiceErrorLimit, ChoiceLongLine, ChoiceTLSFirst, ChoiceRefuseHost, ChoiceNeverMail,
		ChoiceRefuseMail, ChoiceRefuseRcpt, ChoiceTooManyRcpt,
	} {
		if !slices.ContainsFunc(Rows(), func(r Row) bool { c, is := r.Choice(); return is && c == choice }) {
			t.Errorf("got no row for the choice %q, want one", choice)
		}
	}
}

func TestParseNamesTheFault(t *testing.T) {
	const good = "E|NOOP|no argument|250 2.0.0|250|same|MUST|5321 4.1.1.9"
	tests := []struct{ name, text, want string }{
		{"columns", "E|NOOP|no argument", "got 3 columns, want 8"},
		{"state", "Q" + good[1:], `no such state: "Q"`},
		{"guard", strings.Replace(good, "no argument", "on a Tuesday", 1), `guard "on a Tuesday"`},
		{"ideal", strings.Replace(good, "250 2.0.0", "fine", 1), `ideal reply "fine"`},
		{"conformant", strings.Replace(good, "|250|", "|250,gone|", 1), `conformant reply "gone"`},
		{"conformant state", strings.Replace(good, "|250|", "|250>Q|", 1), `conformant reply "250>Q"`},
		{"next", strings.Replace(good, "same", "home", 1), `next state "home"`},
		{"line number", "# a comment\n\n" + "Q" + good[1:], "line 3:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
	if rows, err := parse(good); err != nil || len(rows) != 1 {
		t.Errorf("got %d rows and %v, want one row", len(rows), err)
	}
}

func TestAnUnknownStateEndsTheSession(t *testing.T) {
	answer, next := Session{State: "?"}.Step("NOOP")
	if answer.Code != 421 || next.State != StateClosed || !answer.Close {
		t.Errorf("got %d and state %s, want 421 and Z", answer.Code, next.State)
	}
}
