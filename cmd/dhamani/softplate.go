package main

import (
	"context"
	"fmt"
	"image"
	"net"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/socket"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

// plateModel is the scanner that a soft plate is: a U.are.U 4500.
var plateModel = scanner.ID{Vendor: 0x05BA, Product: 0x000A}

// softPlate is a soft scanner at a socket, and somebody in front of it who puts
// fingers of nobody on whenever it asks, each time a little differently.
type softPlate struct {
	bus      socket.Bus
	model    scanner.Model
	scanner  *soft.Scanner
	listener net.Listener

	mu      sync.Mutex // guards what follows
	finger  *synth.Finger
	presses uint64 // so far; decides how the next one lies
}

// plateEffort is how far impressions are from a clear print in the middle, of
// synth.Random.
const plateEffort = 0.2

func newSoftPlate(ctx context.Context, path string) (*softPlate, error) {
	s, err := soft.New(plateModel)
	if err != nil {
		return nil, err
	}
	l, err := socket.Listen(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("serve soft scanner: %w", err)
	}
	return &softPlate{bus: socket.Bus{Path: path}, model: s.Device("").Model, scanner: s, listener: l}, nil
}

// serve lets programs use the scanner until ctx ends.
func (p *softPlate) serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return socket.Serve(ctx, p.listener, p.scanner) })
	group.Go(func() error { p.scanner.Obey(ctx, p.press); return nil })
	return group.Wait()
}

// hold decides which finger is put on from here on; nil: none.
func (p *softPlate) hold(f *synth.Finger) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finger = f
}

// press is the next impression, as large as the sensor.
func (p *softPlate) press() *image.Gray {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finger == nil {
		return nil
	}
	p.presses++
	pose := synth.Random(p.presses, plateEffort)
	pose.Width, pose.Height, pose.DPI = p.model.Width, p.model.Height, p.model.DPI
	return p.finger.Impression(pose)
}
