package authority

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"time"
)

const organisation = "Dhamani"

// issueCA makes the X.509 root of all TLS between the centre and its clients.
func (a *Authority) issueCA(context.Context) error {
	now := time.Now()
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: a.config.Name, Organization: []string{organisation}},
		NotBefore: now.Add(-clockSlack), NotAfter: now.AddDate(anchorYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	raw, err := certify(template, template, a.tlsCA.Public(), a.tlsCA)
	if err != nil {
		return err
	}
	if a.ca, err = x509.ParseCertificate(raw); err != nil {
		return err
	}
	return a.writeFile(fileTLSCA, raw)
}

// renewServer issues a certificate for the server's key.
func (a *Authority) renewServer(context.Context) error {
	signer, err := a.keys.Signer(keyTLSServer)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: a.config.Name, Organization: []string{organisation}},
		NotBefore: now.Add(-clockSlack), NotAfter: now.Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	seen := make(map[string]bool)
	for _, host := range append(append([]string(nil), loopback...), a.config.Hosts...) {
		if seen[host] {
			continue
		}
		seen[host] = true
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	raw, err := certify(template, a.ca, signer.Public(), a.tlsCA)
	if err != nil {
		return err
	}
	if err := a.writeFile(fileTLSServer, raw); err != nil {
		return err
	}
	return a.loadServer()
}

func (a *Authority) loadServer() error {
	signer, err := a.keys.Signer(keyTLSServer)
	if err != nil {
		return err
	}
	raw, err := a.readFile(fileTLSServer)
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		return fmt.Errorf("read server certificate: %w", err)
	}
	a.server.Store(&tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: signer, Leaf: leaf})
	return nil
}

// ServerTLS returns the configuration of the server: TLS 1.3, HTTP/2, and a
// client certificate of this centre, always.
func (a *Authority) ServerTLS() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.ca)
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequireAndVerifyClientCert,
		ClientCAs:  pool,
		NextProtos: []string{"h2"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return a.server.Load(), nil
		},
	}
}

// clientCertificate certifies a workstation's TLS key. Its common name is the
// facility's number, its organisational unit the facility's role.
func (a *Authority) clientCertificate(pub *ecdsa.PublicKey, facility uint32, role string, now, until time.Time) ([]byte, error) {
	if until.After(a.ca.NotAfter) {
		return nil, fmt.Errorf("valid beyond the tls ca: %w", ErrRequest)
	}
	return certify(&x509.Certificate{
		Subject: pkix.Name{
			CommonName:   strconv.FormatUint(uint64(facility), 10),
			Organization: []string{organisation}, OrganizationalUnit: []string{role},
		},
		NotBefore: now.Add(-clockSlack), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}, a.ca, pub, a.tlsCA)
}

func certify(template, parent *x509.Certificate, pub crypto.PublicKey, signer crypto.Signer) ([]byte, error) {
	serial := make([]byte, 16)
	if _, err := rand.Read(serial); err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	serial[0] = serial[0]&0x7f | 0x40 // positive, of full length
	template.SerialNumber = new(big.Int).SetBytes(serial)
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, pub, signer)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return raw, nil
}

// TLSKeyID names a TLS key in the store: the SHA-256 of its subject public key info.
func TLSKeyID(cert *x509.Certificate) [32]byte { return sha256.Sum256(cert.RawSubjectPublicKeyInfo) }

func tlsKeyID(pub *ecdsa.PublicKey) ([32]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return [32]byte{}, errors.New("encode tls key")
	}
	return sha256.Sum256(der), nil
}

// ServerCertificateEnds returns the end of the server certificate's validity.
func (a *Authority) ServerCertificateEnds() time.Time { return a.server.Load().Leaf.NotAfter }
