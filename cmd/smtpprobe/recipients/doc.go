// Package recipients reads a list of recipients, as campaign tools export it, and
// keeps of each address its domain: a count by domain is all that it hands over.
//
// It never keeps, hands over or quotes an address, nor any other cell of the list:
// a line that holds none is known by its number alone. It reads in one pass, and
// what it needs is bounded by the domains of the list, whatever else is in it.
package recipients
