#!/usr/bin/env bash
# Makes the files of a release: `deploy/release.sh v1.2.3 FOLDER`. `make release` calls it.
#
#   postburn-1.2.3.OS-ARCH.tar.gz   a static binary
#   postburn-1.2.3.OS-ARCH.cdx.json what is linked into it, in CycloneDX' form
#   postburn-1.2.3.image.tar        the image for linux, amd64 and arm64, as an OCI archive
#   postburn-1.2.3.tgz              the Helm chart, for this version and IMAGE
#   SHA256SUMS
#
# It takes the commit that is checked out, and nothing that the work tree has besides: the same
# commit, Go, buildah and CA_CERTIFICATES make the same bytes in any folder, at any time.
set -euo pipefail

version=${1:-} out=${2:-}
if [[ ! $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ || -z $out ]]; then
	echo "usage: make release VERSION=v1.2.3, with a version as Go modules have them, not '$version'" >&2
	exit 2
fi
go=${GO:-go}
image=${IMAGE:-images.example.org/postburn}
certificates=${CA_CERTIFICATES:-/etc/ssl/certs/ca-certificates.crt}
platforms="linux/amd64 linux/arm64 darwin/amd64 darwin/arm64"

umask 022
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out"/postburn-* "$out/SHA256SUMS"
commit=$(git rev-parse HEAD)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH CGO_ENABLED=0 GOFLAGS=-mod=readonly GOAMD64=v1 GOARM64=v8.0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source=$work/source
mkdir "$source"
git archive "$commit" | tar -x -C "$source"

# pack FOLDER NAME...: a tar file on stdout that tells nothing of this machine.
pack() {
	tar --create --directory "$1" --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" \
		--owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "${@:2}"
}

# bom OS-ARCH: what is linked into a binary, as the binary itself tells.
bom() {
	"$work/cyclonedx-gomod" bin -json -noserial -notimestamp -std -version "$version" \
		-output "$out/postburn-${version#v}.$1.cdx.json" "$work/$1/postburn" 2>"$work/bom.log" || { cat "$work/bom.log" >&2; exit 1; }
}

variables=github.com/prometheus/common/version
(cd "$source/tools/sbom" && "$go" build -trimpath -buildvcs=false -o "$work/cyclonedx-gomod" github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod)
for platform in $platforms; do
	name=${platform/\//-}
	folder=postburn-${version#v}.$name
	mkdir -p "$work/$name" "$work/archive/$folder"
	(cd "$source" && GOOS=${platform%/*} GOARCH=${platform#*/} "$go" build -trimpath -buildvcs=false \
		-ldflags "-s -w -X $variables.Version=$version -X $variables.Revision=$commit" -o "$work/$name/" ./cmd/postburn)
	cp "$work/$name/postburn" "$source/LICENSE" "$source/README.md" "$work/archive/$folder/"
	pack "$work/archive" "$folder" | gzip -9 -n >"$out/$folder.tar.gz"
	bom "$name"
done

# The chart names this version, and the image as it was pushed.
chart=$work/chart/postburn
mkdir "$work/chart"
cp -R "$source/deploy/helm/postburn" "$chart"
sed -i -e "s/^version: .*/version: ${version#v}/" -e "s/^appVersion: .*/appVersion: \"${version#v}\"/" "$chart/Chart.yaml"
sed -i -e "s|images.example.org/postburn|$image|" "$chart/values.yaml"
pack "$work/chart" postburn | gzip -9 -n >"$out/postburn-${version#v}.tgz"

# The image is built in a storage of its own, so that nothing is taken from earlier builds.
buildah() { command buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
buildah manifest create "$image" >/dev/null
for arch in amd64 arm64; do
	context=$work/context-$arch
	install -d -m 0755 "$context" "$context/data" "$context/tmp"
	install -m 0755 "$work/linux-$arch/postburn" "$context/"
	install -m 0644 "$certificates" "$context/ca-certificates.crt"
	buildah build --quiet --isolation chroot --platform "linux/$arch" --timestamp "$SOURCE_DATE_EPOCH" --manifest "$image" \
		--label "org.opencontainers.image.version=${version#v}" --label "org.opencontainers.image.revision=$commit" \
		-f "$source/deploy/Dockerfile" "$context" >/dev/null
done
buildah manifest push --quiet --all "$image" "oci:$work/oci:${version#v}" >/dev/null
pack "$work/oci" blobs index.json oci-layout >"$out/postburn-${version#v}.image.tar"
rm -rf "${work:?}/storage" "$work/run"

cd "$out"
sha256sum postburn-* >SHA256SUMS
cat SHA256SUMS
