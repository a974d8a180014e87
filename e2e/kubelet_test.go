//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// deployment is what of a Deployment the kubelet's part in a test needs. All is as the API server
// gives it.
type deployment struct {
	Metadata struct{ Generation int }
	Spec     struct {
		Replicas int
		Strategy struct{ Type string }
		Template struct {
			Metadata map[string]any
			Spec     podSpec
		}
	}
}

type podSpec struct {
	Containers      []containerSpec
	Volumes         []volume
	SecurityContext struct {
		RunAsUser, RunAsGroup, FSGroup int
	}
	EnableServiceLinks            *bool
	TerminationGracePeriodSeconds int
	TopologySpreadConstraints     []struct{ TopologyKey string }
}

type containerSpec struct {
	Image         string
	Command, Args []string
	Env           []struct {
		Name, Value string
		ValueFrom   *valueFrom
	}
	Resources struct{ Limits struct{ Memory string } }
	EnvFrom   []struct{ ConfigMapRef struct{ Name string } }
	Ports     []struct {
		Name          string
		ContainerPort int
	}
	VolumeMounts []struct {
		Name, MountPath string
		ReadOnly        bool
	}
	LivenessProbe, ReadinessProbe probe
	SecurityContext               struct{ ReadOnlyRootFilesystem bool }
}

type valueFrom struct {
	ResourceFieldRef struct{ Resource string }
	SecretKeyRef     *struct{ Name, Key string }
}

type probe struct {
	HTTPGet struct{ Path, Port, Scheme string }
}

// url is what a node asks for a probe. The container has the host's network.
func (s containerSpec) url(p probe) string {
	return fmt.Sprintf("%s://127.0.0.1:%d%s", strings.ToLower(p.HTTPGet.Scheme), s.port(p.HTTPGet.Port), p.HTTPGet.Path)
}

// port returns the number of a port by its name; 0 if there is none.
func (s containerSpec) port(name string) int {
	for _, p := range s.Ports {
		if p.Name == name {
			return p.ContainerPort
		}
	}
	return 0
}

type volume struct {
	Name      string
	ConfigMap *struct {
		Name        string
		DefaultMode os.FileMode
	}
	Secret *struct {
		SecretName  string
		DefaultMode os.FileMode
	}
	PersistentVolumeClaim *struct{ ClaimName string }
	EmptyDir              *struct{}
}

// kubelet does what a node's agent does with a Pod: it makes its volumes and starts its container.
type kubelet struct {
	t       *testing.T
	cluster *cluster
	pod     podSpec
	dir     string // of the volumes
}

// container sets the Pod's only container up.
func (k *kubelet) container() *container {
	k.t.Helper()
	spec := k.pod.Containers[0]
	c := newContainer(k.t)
	c.image.User = fmt.Sprintf("%d:%d", k.pod.SecurityContext.RunAsUser, k.pod.SecurityContext.RunAsGroup)
	c.readOnly = spec.SecurityContext.ReadOnlyRootFilesystem
	if len(spec.Command) > 0 {
		c.image.Entrypoint, c.args = spec.Command, nil
	}
	if len(spec.Args) > 0 {
		c.args = spec.Args
	}
	for _, p := range spec.Ports { // the host's, too: another process would answer in its stead
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", p.ContainerPort))
		k.check(err)
		k.check(l.Close())
	}
	env := map[string]string{}
	for _, from := range spec.EnvFrom {
		var found struct{ Data map[string]string }
		k.cluster.get(&found, "configmap", from.ConfigMapRef.Name)
		maps.Copy(env, found.Data)
	}
	for _, e := range spec.Env {
		env[e.Name] = e.Value
		switch from := e.ValueFrom; {
		case from == nil:
		case from.SecretKeyRef != nil:
			var found struct{ Data map[string][]byte }
			k.cluster.get(&found, "secret", from.SecretKeyRef.Name)
			env[e.Name] = string(found.Data[from.SecretKeyRef.Key])
		case from.ResourceFieldRef.Resource == "limits.memory":
			env[e.Name] = mebibytes(k.t, spec.Resources.Limits.Memory)
		default:
			k.t.Fatalf("%s is of an unknown kind", e.Name)
		}
	}
	for name, value := range env {
		c.env = append(c.env, name+"="+value)
	}
	k.syncVolumes()
	for _, m := range spec.VolumeMounts {
		c.mounts = append(c.mounts, mount{k.folder(m.Name), m.MountPath, m.ReadOnly})
	}
	return c
}

// mebibytes is a quantity like 256Mi in bytes.
func mebibytes(t *testing.T, quantity string) string {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSuffix(quantity, "Mi"))
	if err != nil {
		t.Fatalf("a memory limit: %v", err)
	}
	return strconv.Itoa(n << 20)
}

func (k *kubelet) folder(volume string) string { return filepath.Join(k.dir, volume) }

// syncVolumes makes the volumes as the API server has them now.
func (k *kubelet) syncVolumes() {
	k.t.Helper()
	for _, v := range k.pod.Volumes {
		dir := k.folder(v.Name)
		k.check(os.MkdirAll(dir, 0o777))
		switch {
		case v.ConfigMap != nil:
			var found struct {
				Data       map[string]string
				BinaryData map[string][]byte
			}
			k.cluster.get(&found, "configmap", v.ConfigMap.Name)
			files := found.BinaryData
			if files == nil {
				files = map[string][]byte{}
			}
			for name, text := range found.Data {
				files[name] = []byte(text)
			}
			k.project(dir, files, v.ConfigMap.DefaultMode)
		case v.Secret != nil:
			var found struct{ Data map[string][]byte }
			k.cluster.get(&found, "secret", v.Secret.SecretName)
			k.project(dir, found.Data, v.Secret.DefaultMode)
		case v.PersistentVolumeClaim != nil:
			k.cluster.do("get", "persistentvolumeclaim", v.PersistentVolumeClaim.ClaimName)
			k.own(dir, 0o775)
		case v.EmptyDir != nil:
			k.own(dir, 0o777)
		default:
			k.t.Fatalf("volume %s is of an unknown kind", v.Name)
		}
	}
}

// project writes files as a kubelet does: into a new folder, which a link is then made to point at
// in one step.
func (k *kubelet) project(dir string, files map[string][]byte, mode os.FileMode) {
	k.t.Helper()
	link := filepath.Join(dir, "..data")
	old, _ := os.Readlink(link) // none, the first time
	folder, err := os.MkdirTemp(dir, time.Now().UTC().Format("..2006_01_02_15_04_05."))
	k.check(err)
	k.own(folder, 0o755)
	for name, content := range files {
		file := filepath.Join(folder, name)
		k.check(os.WriteFile(file, content, mode))
		k.own(file, mode)
		if old == "" {
			k.check(os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)))
		}
	}
	k.own(dir, 0o755)
	k.check(os.Symlink(filepath.Base(folder), link+"_tmp"))
	k.check(os.Rename(link+"_tmp", link))
	if old != "" {
		k.check(os.RemoveAll(filepath.Join(dir, old)))
	}
}

// own gives a file to root and the Pod's group, as volumes are.
func (k *kubelet) own(name string, mode os.FileMode) {
	k.t.Helper()
	k.check(os.Chown(name, 0, k.pod.SecurityContext.FSGroup))
	k.check(os.Chmod(name, mode.Perm()))
}

func (k *kubelet) check(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}
