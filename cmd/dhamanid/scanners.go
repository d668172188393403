package main

import (
	"context"
	"log/slog"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/biometric/sbi"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/socket"
	"github.com/dhamani-iq/dhamani/biometric/usb"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// scannersOf is where the fingers come from: USB, or the soft scanner that the
// configuration names, and never both.
func scannersOf(h *home.Home, log *slog.Logger) scanner.Bus {
	if h.Config.SoftScanner != "" {
		return socket.Bus{Path: h.Config.SoftScanner}
	}
	return usb.New(log)
}

// serveScanners lets other programs use the scanners until ctx ends, where the
// configuration says so. The agent does not need it: what goes wrong is told,
// and nothing else ends.
func serveScanners(ctx context.Context, hub *scanner.Hub, h *home.Home, log *slog.Logger) {
	c := h.Config.ScannerService
	if c == nil || !c.On {
		return
	}
	if err := runScannerService(ctx, hub, h.Dir, *c, log); err != nil && ctx.Err() == nil {
		log.WarnContext(ctx, "scanner service ended", logkey.Error, err)
	}
}

func runScannerService(ctx context.Context, hub *scanner.Hub, dir string, c home.ScannerService, log *slog.Logger) error {
	identity, err := sbi.LoadIdentity(home.ScannerServicePath(dir))
	if err != nil {
		return err
	}
	cfg := sbi.Config{
		Hub: hub, Identity: identity, Version: cli.Version(),
		Environment: c.Environment, Origins: c.Origins, Log: log,
		Ready: func(address string) { log.InfoContext(ctx, "scanner service ready", logkey.Address, address) },
	}
	if c.Recipient != "" {
		if cfg.Recipient, err = sbi.ReadCertificate(c.Recipient); err != nil {
			return err
		}
	}
	return sbi.New(cfg).Run(ctx)
}
