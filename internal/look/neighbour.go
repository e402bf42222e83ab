package look

import "github.com/closewait/closewait/forecast"

// Neighbour is what this host knows of the next hop towards a socket's peer, as forecasts want it.
type Neighbour = forecast.Neighbour

// Its states.
const (
	NeighbourResolved = forecast.NeighbourResolved
	NeighbourProbed   = forecast.NeighbourProbed
	NeighbourAsked    = forecast.NeighbourAsked
	NeighbourGivenUp  = forecast.NeighbourGivenUp
)
