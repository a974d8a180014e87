// Package shop is a small web shop for the demo and the end-to-end tests: a real HTTP server,
// instrumented as services are, that breaks when it is told to; a generator of real traffic for it;
// and exact counts of its own to compare others' with. It sells nothing, and is not part of the
// product.
//
// Start reading at Open. The files:
//
//	shop.go     Shop: the server, its metrics, and how it breaks
//	control.go  switching faults on and off over HTTP, and asking for the exact counts
//	load.go     Load: steady traffic
//	log.go      what was served when
//	server/     the shop as a process of its own
package shop
