package main

// Faults for the rows of destination and authority in docs/threats.md.
var dFaults = []rowFault{}
