package smtp_test

import (
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

func TestCodesHas(t *testing.T) {
	tests := []struct {
		codes smtp.Codes
		has   []int
		lacks []int
	}{
		{"503", []int{503}, []int{502, 504, 553, 0, 5030, 50, -503}},
		{"503,554", []int{503, 554}, []int{550, 504, 0}},
		{"2yz", []int{200, 250, 251, 299}, []int{199, 300, 550, 25, 2500, 0, -250}},
		{"4yz,5yz", []int{400, 421, 599}, []int{399, 600, 250}},
		{"250,3yz", []int{250, 354}, []int{251, 450}},
		{"", nil, []int{0, 250, 503}},
	}
	for _, tt := range tests {
		t.Run(string(tt.codes), func(t *testing.T) {
			for _, code := range tt.has {
				if !tt.codes.Has(code) {
					t.Errorf("got %d not in %q, want it in", code, tt.codes)
				}
			}
			for _, code := range tt.lacks {
				if tt.codes.Has(code) {
					t.Errorf("got %d in %q, want it not", code, tt.codes)
				}
			}
		})
	}
}

func TestCodesValid(t *testing.T) {
	for _, codes := range []smtp.Codes{"503", "503,554", "2yz", "4yz,5yz", "250,251,3yz"} {
		if !codes.Valid() {
			t.Errorf("got %q not valid, want it valid", codes)
		}
	}
	for _, codes := range []smtp.Codes{
		"", ",", "503,", "503, 554", "50", "5033", "yyy", "1yz", "650", "5y3", "50z", "5zy", "5YZ", "abc", "503 554", "5-3",
	} {
		if codes.Valid() {
			t.Errorf("got %q valid, want it not", codes)
		}
	}
}

func TestCodesString(t *testing.T) {
	tests := []struct {
		codes smtp.Codes
		want  string
	}{
		{"503", "503"},
		{"503,554", "503 or 554"},
		{"500,503,554", "500, 503 or 554"},
		{"2yz", "2yz"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := tt.codes.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
