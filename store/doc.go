// Package store keeps a store small: it has incidents dropped once they ended longer ago than
// incidents are to be kept. It knows no database; those are its subpackages, such as sqlite, and
// storetest holds each of them to the same contract.
//
// Start reading at Retention.
package store
