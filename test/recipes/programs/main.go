// Resolves names and checks certificates with nothing but what the image has.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"time"
)

func main() {
	addresses, err := net.LookupHost("server.test")
	fmt.Println(addresses, err)
	_, err = net.LookupHost("absent.invalid")
	var lookup *net.DNSError
	fmt.Println("absent:", errors.As(err, &lookup) && lookup.IsNotFound)

	_, err = http.Get(os.Args[1])
	var authority x509.UnknownAuthorityError
	fmt.Println("untrusted:", errors.As(err, &authority))
	own, _ := os.ReadFile("/app/server.pem")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(own)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	if response, err := client.Get(os.Args[1]); err == nil {
		body, _ := io.ReadAll(response.Body)
		fmt.Println(string(body))
	} else {
		fmt.Println(err)
	}

	// The last authority of the image's own bundle is one that the image trusts.
	bundle, _ := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	var last *pem.Block
	count := 0
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		last = block
		count++
	}
	certificate, err := x509.ParseCertificate(last.Bytes)
	if err == nil {
		_, err = certificate.Verify(x509.VerifyOptions{})
	}
	fmt.Println(count > 100, err)
	zone, err := time.LoadLocation("Europe/Berlin")
	fmt.Println(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).In(zone).Format(time.RFC3339), err)
	self, err := user.Current()
	fmt.Println(self.Username, err)
}
