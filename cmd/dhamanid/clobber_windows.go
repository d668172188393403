package main

// clobberFreed does nothing: a process cannot begin again under its number
// here. The service's environment may set GODEBUG=clobberfree=1.
func clobberFreed() {}
