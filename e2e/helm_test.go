//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v4"
)

// helmProgram is where the Makefile has Helm, and operatorObjects the kinds of the Prometheus
// operator, below the user's folder for caches.
const (
	helmProgram     = "postburn/helm-v4.3.1"
	operatorObjects = "postburn/prometheus-operator-v0.85.0.yaml"
)

const chart = "../deploy/helm/postburn"

// object is one of Kubernetes', as it is written.
type object = map[string]any

// helmTemplate is what the chart makes of values.
func helmTemplate(t *testing.T, args ...string) (map[string]object, error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(cacheFolder(), helmProgram), append([]string{"template", "postburn", chart, "--namespace", "postburn"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := quietly(cmd)
	if err != nil {
		return nil, err
	}
	return objects(t, out), nil
}

// objects are those of a file, by kind and name.
func objects(t *testing.T, text string) map[string]object {
	t.Helper()
	all := map[string]object{}
	loader, err := yaml.NewLoader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for {
		var o object
		if err := loader.Load(&o); err != nil {
			break
		}
		if o != nil {
			all[o["kind"].(string)+" "+metadata(o)["name"].(string)] = o
		}
	}
	return all
}

func metadata(o object) map[string]any { return o["metadata"].(map[string]any) }

// onlyHelms are the labels that the chart has besides the kustomization's.
var onlyHelms = []string{"app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}

// withoutLabels leaves out labels, wherever they are.
func withoutLabels(v any, names []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range names {
			delete(v, name)
		}
		for _, part := range v {
			withoutLabels(part, names)
		}
	case []any:
		for _, part := range v {
			withoutLabels(part, names)
		}
	}
}

// TestHelmIsKustomize compares what the chart makes of its values with the kustomizations: of one
// Pod with a volume, and of several replicas with PostgreSQL.
func TestHelmIsKustomize(t *testing.T) {
	t.Parallel()
	for folder, values := range map[string]string{
		"kubernetes":          "",
		"kubernetes-replicas": "replicaCount=3,store.postgres.existingSecret=postburn-postgres",
	} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			want := kustomized(t, "../deploy/"+folder)
			got, err := helmTemplate(t, "--set", values)
			if err != nil {
				t.Fatal(err)
			}
			withoutHelms(t, got)
			if diff := cmp.Diff(want, got, anyOrder); diff != "" {
				t.Errorf("objects (-kustomization +chart):\n%s", diff)
			}
		})
	}
}

// anyOrder ignores the order of variables, volumes and where they are mounted.
var anyOrder = cmpopts.SortSlices(func(a, b any) bool {
	name := func(v any) string {
		o, _ := v.(object)
		return fmt.Sprint(o["name"])
	}
	return name(a) < name(b)
})

// kustomized are the objects of a kustomization. A changed environment rolls out: there by a hash in
// the name of its ConfigMap, which is left out, in the chart by a checksum in the Pod's annotations.
func kustomized(t *testing.T, folder string) map[string]object {
	t.Helper()
	kubectl := filepath.Join(cacheFolder(), kubernetesFolder, "kubectl")
	out, err := quietly(exec.Command(kubectl, "kustomize", folder))
	if err != nil {
		t.Fatal(err)
	}
	hash := regexp.MustCompile(`\bpostburn-environment-[a-z0-9]{10}\b`)
	if n := len(hash.FindAllString(out, -1)); n != 2 {
		t.Errorf("%d places of the kustomization name its environment by a hash, not 2", n)
	}
	return objects(t, hash.ReplaceAllString(out, "postburn-environment"))
}

// withoutHelms checks and leaves out what the chart's objects have besides the kustomization's.
func withoutHelms(t *testing.T, helmed map[string]object) {
	t.Helper()
	pod := metadata(helmed["Deployment postburn"]["spec"].(object)["template"].(object))
	if sum, _ := pod["annotations"].(map[string]any)["checksum/environment"].(string); len(sum) != 64 || len(pod["annotations"].(map[string]any)) != 1 {
		t.Errorf("the Pod's annotations are %v", pod["annotations"])
	}
	delete(pod, "annotations")
	if claim := helmed["PersistentVolumeClaim postburn"]; claim != nil {
		if diff := cmp.Diff(map[string]any{"helm.sh/resource-policy": "keep"}, metadata(claim)["annotations"]); diff != "" {
			t.Errorf("annotations of the claim (-want +got):\n%s", diff)
		}
		delete(metadata(claim), "annotations")
	}
	for name, o := range helmed {
		if metadata(o)["namespace"] != "postburn" {
			t.Errorf("%s is in namespace %v", name, metadata(o)["namespace"])
		}
		delete(metadata(o), "namespace") // of a kustomization, kubectl is told
		withoutLabels(o, onlyHelms)
	}
}

// TestChartFiles compares the files that the chart has copies of, as a chart can't reach beyond its
// folder.
func TestChartFiles(t *testing.T) {
	t.Parallel()
	for original, file := range map[string]string{alertsFile: "alerts.yaml", dashboardFile: "dashboard.json"} {
		want, err := os.ReadFile(original)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(chart, "files", file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("the chart's %s is not %s: run `make chart`", file, original)
		}
	}
}

// TestHelmRefuses gives the chart values that are mistakes, and reads what it says.
func TestHelmRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  string
		want string
	}{
		"mistyped key":                 {"githubb.token=x", "githubb"},
		"mistyped key further in":      {"persistence.sise=1Gi", "sise"},
		"a token in a ConfigMap":       {"environment.POSTBURN_GITHUB_TOKEN=ghp_x", "POSTBURN_GITHUB_TOKEN"},
		"what the chart sets itself":   {"environment.POSTBURN_STORE=sqlite:/x", "POSTBURN_STORE"},
		"a number":                     {"environment.POSTBURN_GITHUB_APP_ID=1234567", "POSTBURN_GITHUB_APP_ID"},
		"a URL without scheme":         {"environment.POSTBURN_PROMETHEUS_URL=prometheus:9090", "POSTBURN_PROMETHEUS_URL"},
		"a source without URL":         {"sources.prometheus.payments.external_url=https://a", "url"},
		"a source's mistyped key":      {"sources.prometheus.payments.urll=https://a", "urll"},
		"the file of sources":          {"environment.POSTBURN_CONFIG_FILE=x", "POSTBURN_CONFIG_FILE"},
		"not owner/name":               {"environment.POSTBURN_GITHUB_REPOSITORY=checkout", "POSTBURN_GITHUB_REPOSITORY"},
		"no way to GitHub":             {"github.existingSecret=", "github.existingSecret or github.token"},
		"two writers of a file":        {"replicaCount=2", "replicaCount above 1 needs store.postgres.existingSecret"},
		"two writers of a folder":      {"replicaCount=2,store.postgres.existingSecret=x,environment.POSTBURN_TRACKER=local", "replicaCount above 1 needs environment.POSTBURN_GITHUB_REPOSITORY"},
		"more replicas than lanes":     {"replicaCount=33,store.postgres.existingSecret=x", "replicaCount"},
		"no number of Pods":            {"podDisruptionBudget.maxUnavailable=one", "maxUnavailable"},
		"a size that is no quantity":   {"persistence.size=big", "size"},
		"a service type that is wrong": {"service.type=External", "type"},
	} {
		_, err := helmTemplate(t, "--set", c.set)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q should be in: %v", name, c.want, err)
		}
	}
}

// TestHelmValues looks at what single values change.
func TestHelmValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set      []string
		in, out  []string // of the Deployment
		kinds    []string // besides the usual ones
		withouts []string
	}{
		"post-mortems as files": {set: []string{"environment.POSTBURN_GITHUB_REPOSITORY="}, out: []string{"GITHUB_TOKEN_FILE", "postburn-github"}},
		"the local tracker":     {set: []string{"environment.POSTBURN_TRACKER=local"}, out: []string{"GITHUB_TOKEN_FILE", "postburn-github"}},
		"a token":               {set: []string{"github.token=ghp_x"}, kinds: []string{"Secret postburn-github"}, out: []string{"ghp_x"}},
		"a GitHub App": {
			set: []string{"github.existingSecret=app", "environment.POSTBURN_GITHUB_APP_ID=x"},
			in:  []string{"POSTBURN_GITHUB_APP_PRIVATE_KEY_FILE", `"secretName":"app"`}, out: []string{"GITHUB_TOKEN_FILE"},
		},
		"no limit of memory":     {set: []string{"resources.limits=null"}, out: []string{"GOMEMLIMIT"}},
		"no volume":              {set: []string{"persistence.enabled=false"}, in: []string{`"emptyDir":{}`}, withouts: []string{"PersistentVolumeClaim postburn"}},
		"a volume that is there": {set: []string{"persistence.existingClaim=old"}, in: []string{`"claimName":"old"`}, withouts: []string{"PersistentVolumeClaim postburn"}},
		"another name":           {set: []string{"fullnameOverride=pb"}, in: []string{`"name":"pb-environment"`, `"claimName":"pb"`}, withouts: []string{"Deployment postburn"}},
		"an image by digest": {
			set: []string{"image.tag=v7", "image.digest=sha256:" + strings.Repeat("0", 64)},
			in:  []string{`"image":"images.example.org/postburn:v7@sha256:` + strings.Repeat("0", 64) + `"`},
		},
		"sources": {
			set: []string{"sources.prometheus.payments.url=http://mimir/prometheus", "sources.prometheus.payments.headers.X-Scope-OrgID.file=/etc/postburn/sources/tenant", "sources.existingSecret=tenants"},
			in: []string{
				`{"name":"POSTBURN_CONFIG_FILE","value":"/etc/postburn/config/config.yaml"}`, `"configMap":{"name":"postburn-config"}`,
				`"secretName":"tenants"`, `"mountPath":"/etc/postburn/sources"`, "checksum/sources",
			},
			kinds: []string{"ConfigMap postburn-config"},
		},
		"one replica with PostgreSQL": {
			set: []string{"store.postgres.existingSecret=app", "store.postgres.key=uri"},
			in:  []string{`"secretKeyRef":{"key":"uri","name":"app"}`, `"secretName":"app"`, "RollingUpdate"},
			out: []string{"/data", "topologySpreadConstraints"}, withouts: []string{"PersistentVolumeClaim postburn", "PodDisruptionBudget postburn"},
		},
		"PostgreSQL and post-mortems as files": {
			set: []string{"store.postgres.existingSecret=app", "environment.POSTBURN_TRACKER=local"},
			in:  []string{"secretKeyRef", "/data/postmortems", "Recreate"}, kinds: []string{"PersistentVolumeClaim postburn"},
		},
		"replicas spread as one likes": {
			set: []string{"store.postgres.existingSecret=app", "replicaCount=2", "topologySpreadConstraints[0].topologyKey=rack"},
			in:  []string{`"topologySpreadConstraints":[{"topologyKey":"rack"}]`}, kinds: []string{"PodDisruptionBudget postburn"},
		},
		"objectives from elsewhere": {
			set: []string{"existingSLOConfigMap=slos"}, in: []string{`"configMap":{"name":"slos"}`}, withouts: []string{"ConfigMap postburn-slos"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := helmTemplate(t, "--set", strings.Join(c.set, ","))
			if err != nil {
				t.Fatal(err)
			}
			for _, kind := range c.withouts {
				if all[kind] != nil {
					t.Errorf("there is a %s", kind)
				}
			}
			for _, kind := range c.kinds {
				if all[kind] == nil {
					t.Errorf("no %s in %v", kind, slices.Sorted(maps.Keys(all)))
				}
			}
			for kind, o := range all {
				if !strings.HasPrefix(kind, "Deployment ") {
					continue
				}
				text, err := json.Marshal(o)
				if err != nil {
					t.Fatal(err)
				}
				for _, part := range c.in {
					if !bytes.Contains(text, []byte(part)) {
						t.Errorf("%s is not in %s", part, text)
					}
				}
				for _, part := range c.out {
					if bytes.Contains(text, []byte(part)) {
						t.Errorf("%s is in %s", part, text)
					}
				}
			}
		})
	}
}
