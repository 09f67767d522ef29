package main

// Faults for the rows of records and storage in docs/threats.md.
var aFaults = []rowFault{}
