package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// Errors that callers branch on.
var (
	// ErrOffline is returned when the centre cannot be reached, or a connection
	// ended before the answer did.
	ErrOffline = errors.New("centre is out of reach")
	// ErrTimeout is an ErrOffline: the answer did not come in time.
	ErrTimeout = fmt.Errorf("answer did not come in time: %w", ErrOffline)
	// ErrCertificate is an ErrOffline: one side refused the other's certificate.
	ErrCertificate = fmt.Errorf("certificate was refused: %w", ErrOffline)
	// ErrProtocol is returned for an answer that is not what the protocol says.
	ErrProtocol = errors.New("centre answered against the protocol")
	// ErrConfig is returned for a configuration that cannot work.
	ErrConfig = errors.New("client is not configured")
)

// ServerError is a well-formed refusal by the centre, or a failure of a server
// on the way to it.
type ServerError struct {
	Status     int           // of HTTP
	Code       string        // one of the wire codes, or "http" when the body held none
	Message    string        // English, for logs
	RetryAfter time.Duration // zero when the centre named none
	coded      bool          // Code is the centre's own
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("centre answered %d %s", e.Status, e.Code)
}

// Codes of Status.LastError beside the centre's own.
const (
	CodeOffline     = "offline"
	CodeTimeout     = "timeout"
	CodeCertificate = "certificate"
	CodeProtocol    = "protocol"
	CodeStorage     = "storage"
	CodeHTTP        = "http"
)

// code returns the stable code of an error.
func code(err error) string {
	var server *ServerError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &server):
		return server.Code
	case errors.Is(err, ErrTimeout):
		return CodeTimeout
	case errors.Is(err, ErrCertificate):
		return CodeCertificate
	case errors.Is(err, ErrOffline):
		return CodeOffline
	case errors.Is(err, ErrProtocol):
		return CodeProtocol
	default:
		return CodeStorage
	}
}

// network sorts an error of the transport. ctx is the request's, with its
// time limit; the caller's own end is returned as it is.
func network(parent, ctx context.Context, err error) error {
	if cause := parent.Err(); cause != nil {
		return cause
	}
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		host         x509.HostnameError
		op           *net.OpError
		timeout      net.Error
	)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	case errors.As(err, &verification), errors.As(err, &authority), errors.As(err, &host),
		errors.As(err, &op) && op.Op == "remote error" && strings.Contains(op.Err.Error(), "certificate"): // an alert (crypto/tls)
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	default:
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
}
