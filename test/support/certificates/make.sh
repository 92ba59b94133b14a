#!/bin/sh
# Makes the certificates of this folder anew, with OpenSSL. They are for tests alone: everybody knows their keys. Valid from
# 2020 to 2120, but for those that are named expired. Usage: sh test/support/certificates/make.sh
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
: > "$work/index"
cat > "$work/ca.conf" <<END
[ca]
default_ca = test
[test]
database = $work/index
new_certs_dir = $work
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
END

FROM=20200101000000Z
TO=21200101000000Z

new_key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }

# authority <name>: a root with a key of its own
authority() {
  new_key "$1.key.pem"
  openssl req -new -key "$1.key.pem" -subj "/CN=test $1" -addext 'basicConstraints=critical,CA:TRUE' \
    -addext 'keyUsage=critical,keyCertSign' -out "$work/$1.csr"
  openssl ca -batch -notext -config "$work/ca.conf" -selfsign -keyfile "$1.key.pem" -in "$work/$1.csr" \
    -startdate $FROM -enddate $TO -out "$1.pem"
}

# certificate <name> <authority> <common name> <names> <use> [<end>]
certificate() {
  new_key "$1.key.pem"
  openssl req -new -key "$1.key.pem" -subj "/CN=$3" -addext "subjectAltName=$4" -addext "extendedKeyUsage=$5" \
    -out "$work/$1.csr"
  openssl ca -batch -notext -config "$work/ca.conf" -cert "$2.pem" -keyfile "$2.key.pem" -in "$work/$1.csr" \
    -startdate $FROM -enddate "${6:-$TO}" -out "$1.pem"
}

HERE=DNS:localhost,IP:127.0.0.1,IP:::1
CLIENT='DNS:orders.test,URI:spiffe://test/orders'
authority authority
authority stranger
certificate server authority 'test server' $HERE serverAuth
certificate elsewhere authority 'test elsewhere' DNS:elsewhere.test serverAuth
certificate expired-server authority 'test expired server' $HERE serverAuth 20210101000000Z
certificate stranger-server stranger 'test stranger server' $HERE serverAuth
certificate client authority 'test client' "$CLIENT" clientAuth
certificate expired-client authority 'test expired client' "$CLIENT" clientAuth 20210101000000Z
certificate stranger-client stranger 'test stranger client' "$CLIENT" clientAuth
# A name that looks like two, for whoever takes a certificate's names apart.
cat > "$work/odd.conf" <<END
[req]
distinguished_name = dn
req_extensions = extensions
[dn]
[extensions]
subjectAltName = @names
extendedKeyUsage = clientAuth
[names]
URI = http://odd.test/,DNS:admin.test
DNS = odd.test
END
new_key odd-client.key.pem
openssl req -new -config "$work/odd.conf" -key odd-client.key.pem -subj '/CN=test odd client' -out "$work/odd.csr"
openssl ca -batch -notext -config "$work/ca.conf" -cert authority.pem -keyfile authority.key.pem -in "$work/odd.csr" \
  -startdate $FROM -enddate $TO -out odd-client.pem
openssl pkcs8 -topk8 -v2 aes-256-cbc -in client.key.pem -passout pass:secret -out client.encrypted-key.pem
rm authority.key.pem stranger.key.pem
for key in *key.pem; do
  sed -i '1i Made for tests alone: everybody knows this key.' "$key"
done
