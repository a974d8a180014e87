package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// What docs/cost.md promises of many objectives over several replicas.
const (
	mostReplicaMemory = 1536 << 20 // of each replica
	mostReplicaCPU    = 30.0       // s a tick of 30 s: one core
)

func printReplicas(w io.Writer, all []replicasCost) {
	fmt.Fprintln(w, "| objectives | replicas | store | a tick takes | at most | CPU of a replica | its memory | at most | PostgreSQL's CPU | written | written a day | histories | size | the simulated Prometheus' CPU | a scrape |")
	fmt.Fprintln(w, "| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, c := range all {
		database := ""
		if c.postgres {
			database = seconds(c.databaseCPU)
		}
		fmt.Fprintf(w, "| %s | %d | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", whole(float64(c.objectives)), c.count, c.store(),
			seconds(c.took.Seconds()), seconds(c.most.Seconds()), each(c.cpu, seconds), each(c.memory, size), each(c.peak, size), database,
			size(c.written), size(c.aDay(replicaInterval)), size(c.histories), size(c.size), seconds(c.prometheus), seconds(c.scrape.Seconds()))
	}
	for _, c := range all {
		if c.replaced > 0 {
			fmt.Fprintf(w, "\n%s objectives over %d replicas: %s after one was killed, the others had committed the newest tick of all lanes.\n", whole(float64(c.objectives)), c.count, seconds(c.replaced.Seconds()))
		}
		if c.moved > 0 {
			fmt.Fprintf(w, "\n%s objectives over %d replicas: %.0f leases changed hands in the %d ticks.\n", whole(float64(c.objectives)), c.count, c.moved, c.ticks)
		}
	}
}

// each writes the values of all replicas.
func each(values []float64, write func(float64) string) string {
	var all []string
	for _, v := range values {
		all = append(all, write(v))
	}
	return strings.Join(all, ", ")
}

// missed returns an error if a row does not keep the promises.
func (c replicasCost) missed() error {
	switch {
	case slices.Max(c.peak) > mostReplicaMemory:
		return fmt.Errorf("%d objectives over %d replicas: one takes up to %s of memory", c.objectives, c.count, size(slices.Max(c.peak)))
	case slices.Max(c.cpu) > mostReplicaCPU:
		return fmt.Errorf("%d objectives over %d replicas: one takes %s of CPU a tick", c.objectives, c.count, seconds(slices.Max(c.cpu)))
	case c.most > replicaInterval:
		return fmt.Errorf("%d objectives over %d replicas: a tick takes up to %s", c.objectives, c.count, c.most)
	}
	return nil
}
