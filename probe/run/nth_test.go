//go:build !thorough

package run_test

// nth: the whole catalogue is compared, shared against alone, on one lapse in so
// many. Make thorough does it on all.
const nth = 40

// octets: a session is severed behind one octet in so many.
const octets = 11
