package model

import (
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// decoder returns the content behind one content encoding (RFC 9110, 8.4). The
// caller bounds what it reads.
func decoder(encoding string, body io.ReadCloser) (io.ReadCloser, error) {
	var r io.ReadCloser
	var err error
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(body)
	case "deflate":
		r, err = zlib.NewReader(body)
	case "br":
		r = io.NopCloser(brotli.NewReader(body))
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(body, zstd.WithDecoderMaxMemory(maxBody), zstd.WithDecoderConcurrency(1)); err == nil {
			r = z.IOReadCloser()
		}
	default:
		return nil, fmt.Errorf("the content encoding %q cannot be read, and what cannot be read cannot be judged", shown(encoding))
	}
	if err != nil {
		return nil, fmt.Errorf("the content encoding is said to be %s, but the content is not", shown(encoding))
	}
	return r, nil
}

func asError[T error](err error, target *T) bool { return errors.As(err, target) }
