package main

// Faults for the rows of local processes, keys and files in docs/threats.md.
var lFaults = []rowFault{}
