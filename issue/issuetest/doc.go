// Package issuetest has a store in memory, for tests of what publishes incidents. What a real store
// has to do is tested by store/storetest.
package issuetest
