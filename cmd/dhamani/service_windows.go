package main

// startService is the next step when the card service does not run.
const startService = "start the service 'Smart Card' (SCardSvr); without a reader Windows stops it"
