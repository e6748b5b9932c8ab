/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > CONTRIBUTING.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > docs/lab-file.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > docs/limits.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > docs/manifests.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > docs/network.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > docs/registries.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > docs/scripts.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > docs/security.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > docs/troubleshooting.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > docs/vip.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > README.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > rke2/README.md: not run by any test 1`] = `
Array [
  "kubectl --kubeconfig .lab/lab/kubeconfig get nodes",
  "kubectl --kubeconfig .lab/lab/kubeconfig delete node worker01 --timeout=120s",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/00-why.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/01-architecture.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/02-lab.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/03-host.md: not run by any test 1`] = `
Array [
  "grep -c -E 'vmx|svm' /proc/cpuinfo",
  "ls -l /dev/kvm",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/04-machines.md: not run by any test 1`] = `
Array [
  "exit",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/05-cloud-init.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/06-rke2-server.md: not run by any test 1`] = `
Array [
  "kubectl get nodes",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/07-join.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/08-tour.md: not run by any test 1`] = `
Array [
  "ssh -F .lab/lab/ssh_config worker01 'ps -C kubelet,containerd -o pid,args | cut -c 1-100'",
  "ssh -F .lab/lab/ssh_config kubemaster sudo ls /var/lib/rancher/rke2/agent/pod-manifests",
  "kubectl top nodes",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/09-pods.md: not run by any test 1`] = `
Array [
  "kubectl wait --for=condition=Ready pod/web --timeout=120s",
  "kubectl get pods -o wide",
  "kubectl describe pod web",
  "kubectl logs web",
  "kubectl exec web -- nginx -v",
  "kubectl exec -it web -- sh",
  "kubectl port-forward pod/web 8080:80",
  "kubectl get pod broken",
  "kubectl describe pod broken",
  "kubectl wait --for=condition=Ready pod/broken --timeout=120s",
  "kubectl get pod broken",
  "kubectl get pod pair",
  "kubectl logs pair --container writer",
  "kubectl exec pair --container server -- cat /usr/share/nginx/html/index.html",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/10-manifests.md: not run by any test 1`] = `
Array [
  "kubectl wait --for=condition=Ready pod/web --timeout=120s",
  "kubectl get pod web -o yaml",
  "kubectl get pod broken -o jsonpath='{.spec.containers[0].image} wanted, {.status.containerStatuses[0].state.waiting.reason}{\\"\\\\n\\"}'",
  "kubectl explain pod.spec.restartPolicy",
  "kubectl get pods --show-labels",
  "kubectl get pods -l app=web,tier=front",
  "kubectl get pods --all-namespaces",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/11-deployments.md: not run by any test 1`] = `
Array [
  "kubectl rollout status deployment/web",
  "kubectl get deployments,replicasets,pods",
  "kubectl get pods -l app=web -o jsonpath='{.items[0].metadata.ownerReferences[0].kind}{\\"\\\\n\\"}'",
  "kubectl get deployment web -o jsonpath='{.spec.replicas} wanted, {.status.readyReplicas} ready{\\"\\\\n\\"}'",
  "kubectl get pods -l app=web -o wide",
  "kubectl rollout status deployment/web",
  "kubectl get replicasets -l app=web",
  "kubectl rollout status deployment/web --timeout=30s",
  "kubectl get pods -l app=web",
  "kubectl rollout history deployment/web",
  "kubectl rollout undo deployment/web",
  "kubectl rollout status deployment/web",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/12-services.md: not run by any test 1`] = `
Array [
  "kubectl rollout status deployment/web",
  "kubectl get pods -l app=web -o wide",
  "for pod in $(kubectl get pods -l app=web -o name); do kubectl exec $pod -- sh -c 'hostname > /usr/share/nginx/html/index.html'; done",
  "kubectl get endpointslices -l kubernetes.io/service-name=web",
  "kubectl run ask --rm -it --restart=Never --image=busybox:1.36 -- sh -c 'for i in 1 2 3 4; do wget -qO- http://web; done'",
  "curl http://192.168.1.30:30080",
  "curl http://192.168.1.31:30080",
  "curl -H 'Host: web.lab.test' http://192.168.1.31/",
  "curl -H 'Host: other.lab.test' http://192.168.1.31/",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/13-configuration.md: not run by any test 1`] = `
Array [
  "kubectl wait --for=condition=Ready pod/configured --timeout=120s",
  "kubectl exec configured -- env",
  "kubectl exec configured -- cat /usr/share/nginx/html/index.html",
  "kubectl exec configured -- cat /usr/share/nginx/html/index.html",
  "kubectl exec configured -- printenv COLOUR",
  "ssh -F .lab/lab/ssh_config kubemaster sudo rke2 secrets-encrypt status",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/14-volumes.md: not run by any test 1`] = `
Array [
  "kubectl describe persistentvolumeclaim notes",
  "kubectl get persistentvolumeclaims",
  "kubectl wait --for=condition=Ready pod/notes --timeout=120s",
  "kubectl get pod notes -o wide",
  "kubectl wait --for=condition=Ready pod/notes --timeout=120s",
  "kubectl exec notes -- cat /data/log",
  "ssh -F .lab/lab/ssh_config worker01 cat /srv/notes/log",
  "kubectl wait --for=condition=Ready pod/more --timeout=120s",
  "kubectl get persistentvolumeclaims",
  "ssh -F .lab/lab/ssh_config worker01 sudo rm -r /srv/notes",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/15-statefulsets.md: not run by any test 1`] = `
Array [
  "kubectl rollout status statefulset/db",
  "kubectl get pods -l app=db",
  "kubectl run ask --rm -it --restart=Never --image=busybox:1.36 -- nslookup db-0.db.default.svc.cluster.local",
  "kubectl exec db-0 -- redis-cli set colour green",
  "kubectl delete pods db-1",
  "kubectl rollout status statefulset/db",
  "kubectl get pods -l app=db -o wide",
  "kubectl exec db-0 -- redis-cli get colour",
  "kubectl exec db-1 -- redis-cli get colour",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/16-does-not-run.md: not run by any test 1`] = `
Array [
  "kubectl get pods -l app=greeter",
  "kubectl logs deployment/greeter --previous",
  "kubectl get pods -l app=greeter -o jsonpath='{.items[0].status.containerStatuses[0].lastState.terminated.exitCode}{\\"\\\\n\\"}'",
  "kubectl debug NAME -it --copy-to=look --container=greeter -- sh",
  "kubectl delete pods look",
  "kubectl rollout status deployment/greeter --timeout=120s",
  "kubectl debug NAME -it --image=busybox:1.36 --target=nginx",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/17-healthy-pods.md: not run by any test 1`] = `
Array [
  "kubectl rollout status deployment/healthy --timeout=120s",
  "kubectl get pods -l app=healthy",
  "kubectl exec deployment/healthy --container web -- cat /www/index.html /www/time",
  "kubectl exec NAME --container web -- mv /www/index.html /www/away",
  "kubectl get pods -l app=healthy --watch",
  "kubectl exec NAME --container web -- mv /www/away /www/index.html",
  "kubectl exec NAME --container web -- rm /www/alive",
  "kubectl describe pod NAME",
  "kubectl get pod hungry",
  "kubectl get pods -l app=healthy -o jsonpath='{.items[0].status.qosClass}{\\"\\\\n\\"}'",
  "kubectl delete pods guaranteed --ignore-not-found",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/18-workloads.md: not run by any test 1`] = `
Array [
  "kubectl get pods -l app=count",
  "kubectl wait --for=condition=Complete job/count --timeout=120s",
  "kubectl get job count",
  "kubectl logs -l app=count",
  "kubectl get cronjob report",
  "kubectl create job report-now --from=cronjob/report",
  "kubectl wait --for=condition=Complete job/report-now --timeout=120s",
  "kubectl logs job/report-now",
  "kubectl rollout status daemonset/watcher --timeout=120s",
  "kubectl get pods -l app=watcher -o wide",
  "kubectl logs -l app=watcher",
  "kubectl delete job report-now pi --ignore-not-found",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/19-scheduling.md: not run by any test 1`] = `
Array [
  "kubectl get pods -l app=reports -o wide",
  "kubectl rollout restart deployment/web",
  "kubectl get pods -l app=web -o wide",
  "kubectl get poddisruptionbudget web",
  "kubectl get nodes",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/20-rbac.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/21-network-policy.md: not run by any test 1`] = `
Array [
  "kubectl run ask --rm -it --restart=Never --image=busybox:1.36 -- wget -qO- -T 5 http://web",
  "kubectl run ask --rm -it --restart=Never --image=busybox:1.36 -- wget -qO- -T 5 http://web",
  "kubectl run ask --rm -it --restart=Never --image=busybox:1.36 -- wget -qO- -T 5 http://web",
  "kubectl run ask --rm -it --restart=Never --image=busybox:1.36 --labels=access=web -- wget -qO- -T 5 http://web",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/22-helm-and-kustomize.md: not run by any test 1`] = `
Array [
  "kubectl get deployments -l place",
  "kubectl run ask --rm -it --restart=Never --image=busybox:1.36 -- wget -qO- http://hello http://hello-test",
  "kubectl wait --for=condition=Complete job/helm-install-podinfo --namespace kube-system --timeout=180s",
  "kubectl get all --namespace podinfo",
  "kubectl get deployment podinfo --namespace podinfo --watch",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/23-failover.md: not run by any test 1`] = `
Array [
  "kubectl get pods -l app=steady -o wide",
  "kubectl get pods -l app=steady -o wide --watch",
  "kubectl get nodes",
  "kubectl --kubeconfig .lab/ha/kubeconfig get nodes",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/24-scaling.md: not run by any test 1`] = `
Array [
  "kubectl get nodes",
  "kubectl get pods -l app=web -o wide --sort-by=.spec.nodeName",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/25-autoscaling.md: not run by any test 1`] = `
Array [
  "kubectl top nodes",
  "kubectl top pods --all-namespaces",
  "kubectl rollout status deployment/busy --timeout=180s",
  "kubectl get horizontalpodautoscaler busy",
  "kubectl run load --image=busybox:1.36 --restart=Never -- sh -c 'while true; do wget -qO- http://busy > /dev/null; done'",
  "kubectl get horizontalpodautoscaler busy --watch",
  "kubectl delete pods load",
  "kubectl get horizontalpodautoscaler busy --watch",
  "kubectl delete pods load --ignore-not-found",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/26-observability.md: not run by any test 1`] = `
Array [
  "kubectl events --all-namespaces",
  "kubectl events --all-namespaces --types=Warning",
  "kubectl logs -l app=web --prefix --since=10m --tail=20",
  "kubectl get --raw /metrics | grep -c '^apiserver_'",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/27-backup.md: not run by any test 1`] = `
Array [
  "kubectl get deployment web",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/28-off-and-on.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/29-snapshots.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/30-upgrade.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/31-resize-and-remove.md: not run by any test 1`] = `
Array [
  "kubectl get node worker01 -o jsonpath='{.status.capacity.memory}'",
  "kubectl get nodes",
  "kubectl get pods -l app=web -o wide",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/32-drills.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/33-capstone.md: not run by any test 1`] = `
Array [
  "kubectl rollout status deployment/cafe --namespace cafe --timeout=120s",
  "curl -H 'Host: cafe.lab.test' http://192.168.1.31/",
  "for i in $(seq 1800); do curl -fsS -m 2 -o /dev/null -H 'Host: cafe.lab.test' http://192.168.1.31/ || date; sleep 1; done",
  "kubectl rollout undo deployment/cafe --namespace cafe",
  "kubectl get pods --namespace cafe -o wide",
  "kubectl get deployments,services,ingresses,networkpolicies,poddisruptionbudgets --namespace cafe",
]
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/34-make-it-yours.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/35-clean-up.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/notes.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what of the blocks of bash is checked for its form only is known > tutorials/README.md: not run by any test 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/00-why.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/01-architecture.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/02-lab.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/03-host.md: the commands that it causes 1`] = `
Array [
  "virsh -c qemu:///system list --all",
]
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/04-machines.md: the commands that it causes 1`] = `
Array [
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:lab/kubemaster -J -r -graft-points -o .lab/lab/nodes/kubemaster/seed.iso user-data=.lab/lab/nodes/kubemaster/seed/user-data meta-data=.lab/lab/nodes/kubemaster/seed/meta-data network-config=.lab/lab/nodes/kubemaster/network-config",
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:lab/worker01 -J -r -graft-points -o .lab/lab/nodes/worker01/seed.iso user-data=.lab/lab/nodes/worker01/seed/user-data meta-data=.lab/lab/nodes/worker01/seed/meta-data network-config=.lab/lab/nodes/worker01/network-config",
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:lab/worker02 -J -r -graft-points -o .lab/lab/nodes/worker02/seed.iso user-data=.lab/lab/nodes/worker02/seed/user-data meta-data=.lab/lab/nodes/worker02/seed/meta-data network-config=.lab/lab/nodes/worker02/network-config",
  "virsh -c qemu:///system console kubemaster",
  "virsh -c qemu:///system define --validate .lab/lab/nodes/kubemaster/domain.xml",
  "virsh -c qemu:///system define --validate .lab/lab/nodes/worker01/domain.xml",
  "virsh -c qemu:///system define --validate .lab/lab/nodes/worker02/domain.xml",
  "virsh -c qemu:///system pool-autostart rke2-kvm-lab",
  "virsh -c qemu:///system pool-define --validate .lab/lab/pool.xml",
  "virsh -c qemu:///system pool-start --build rke2-kvm-lab",
  "virsh -c qemu:///system start kubemaster",
  "virsh -c qemu:///system start worker01",
  "virsh -c qemu:///system start worker02",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/base.xml",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/nodes/kubemaster/disk.xml",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/nodes/worker01/disk.xml",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/nodes/worker02/disk.xml",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab lab-kubemaster-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab lab-worker01-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab lab-worker02-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab base-0123456789abcdef.qcow2 /home/you/.cache/rke2-kvm-lab/images/0123456789abcdef-ubuntu-24.04-server-cloudimg-amd64.img",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab lab-kubemaster-seed.iso .lab/lab/nodes/kubemaster/seed.iso",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab lab-worker01-seed.iso .lab/lab/nodes/worker01/seed.iso",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab lab-worker02-seed.iso .lab/lab/nodes/worker02/seed.iso",
]
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/05-cloud-init.md: the commands that it causes 1`] = `
Array [
  "virsh -c qemu:///system change-media kubemaster sda --eject --config",
  "virsh -c qemu:///system change-media kubemaster sda --eject --live",
  "virsh -c qemu:///system change-media worker01 sda --eject --config",
  "virsh -c qemu:///system change-media worker01 sda --eject --live",
  "virsh -c qemu:///system change-media worker02 sda --eject --config",
  "virsh -c qemu:///system change-media worker02 sda --eject --live",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab lab-kubemaster-seed.iso",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab lab-worker01-seed.iso",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab lab-worker02-seed.iso",
]
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/06-rke2-server.md: the commands that it causes 1`] = `
Array [
  "curl --fail --silent --show-error --location --connect-timeout 20 --speed-limit 1000 --speed-time 60 --retry 3 --continue-at - --output /home/you/.cache/rke2-kvm-lab/rke2/v1.36.5+rke2r1-d43907f7/rke2.linux-amd64.tar.gz.part https://github.com/rancher/rke2/releases/download/v1.36.5%2Brke2r1/rke2.linux-amd64.tar.gz",
  "curl --fail --silent --show-error --location --connect-timeout 20 --speed-limit 1000 --speed-time 60 --retry 3 --output /home/you/.cache/rke2-kvm-lab/rke2/v1.36.5+rke2r1-d43907f7/install.sh.part https://raw.githubusercontent.com/rancher/rke2/v1.36.5%2Brke2r1/install.sh",
  "curl --fail --silent --show-error --location --connect-timeout 20 --speed-limit 1000 --speed-time 60 --retry 3 --output /home/you/.cache/rke2-kvm-lab/rke2/v1.36.5+rke2r1-d43907f7/sha256sum-amd64.txt.part https://github.com/rancher/rke2/releases/download/v1.36.5%2Brke2r1/sha256sum-amd64.txt",
]
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/07-join.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/08-tour.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/09-pods.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/10-manifests.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/11-deployments.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/12-services.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/13-configuration.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/14-volumes.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/15-statefulsets.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/16-does-not-run.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/17-healthy-pods.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/18-workloads.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/19-scheduling.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/20-rbac.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/21-network-policy.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/22-helm-and-kustomize.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/23-failover.md: the commands that it causes 1`] = `
Array [
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:ha/hawork01 -J -r -graft-points -o .lab/ha/nodes/hawork01/seed.iso user-data=.lab/ha/nodes/hawork01/seed/user-data meta-data=.lab/ha/nodes/hawork01/seed/meta-data network-config=.lab/ha/nodes/hawork01/network-config",
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:ha/hawork02 -J -r -graft-points -o .lab/ha/nodes/hawork02/seed.iso user-data=.lab/ha/nodes/hawork02/seed/user-data meta-data=.lab/ha/nodes/hawork02/seed/meta-data network-config=.lab/ha/nodes/hawork02/network-config",
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:ha/master01 -J -r -graft-points -o .lab/ha/nodes/master01/seed.iso user-data=.lab/ha/nodes/master01/seed/user-data meta-data=.lab/ha/nodes/master01/seed/meta-data network-config=.lab/ha/nodes/master01/network-config",
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:ha/master02 -J -r -graft-points -o .lab/ha/nodes/master02/seed.iso user-data=.lab/ha/nodes/master02/seed/user-data meta-data=.lab/ha/nodes/master02/seed/meta-data network-config=.lab/ha/nodes/master02/network-config",
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:ha/master03 -J -r -graft-points -o .lab/ha/nodes/master03/seed.iso user-data=.lab/ha/nodes/master03/seed/user-data meta-data=.lab/ha/nodes/master03/seed/meta-data network-config=.lab/ha/nodes/master03/network-config",
  "virsh -c qemu:///system change-media hawork01 sda --eject --config",
  "virsh -c qemu:///system change-media hawork01 sda --eject --live",
  "virsh -c qemu:///system change-media hawork02 sda --eject --config",
  "virsh -c qemu:///system change-media hawork02 sda --eject --live",
  "virsh -c qemu:///system change-media master01 sda --eject --config",
  "virsh -c qemu:///system change-media master01 sda --eject --live",
  "virsh -c qemu:///system change-media master02 sda --eject --config",
  "virsh -c qemu:///system change-media master02 sda --eject --live",
  "virsh -c qemu:///system change-media master03 sda --eject --config",
  "virsh -c qemu:///system change-media master03 sda --eject --live",
  "virsh -c qemu:///system define --validate .lab/ha/nodes/hawork01/domain.xml",
  "virsh -c qemu:///system define --validate .lab/ha/nodes/hawork02/domain.xml",
  "virsh -c qemu:///system define --validate .lab/ha/nodes/master01/domain.xml",
  "virsh -c qemu:///system define --validate .lab/ha/nodes/master02/domain.xml",
  "virsh -c qemu:///system define --validate .lab/ha/nodes/master03/domain.xml",
  "virsh -c qemu:///system destroy master01",
  "virsh -c qemu:///system destroy worker02",
  "virsh -c qemu:///system start hawork01",
  "virsh -c qemu:///system start hawork02",
  "virsh -c qemu:///system start master01",
  "virsh -c qemu:///system start master02",
  "virsh -c qemu:///system start master03",
  "virsh -c qemu:///system start worker02",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/ha/nodes/hawork01/disk.xml",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/ha/nodes/hawork02/disk.xml",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/ha/nodes/master01/disk.xml",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/ha/nodes/master02/disk.xml",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/ha/nodes/master03/disk.xml",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab ha-hawork01-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab ha-hawork02-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab ha-master01-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab ha-master02-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab ha-master03-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab ha-hawork01-seed.iso",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab ha-hawork02-seed.iso",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab ha-master01-seed.iso",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab ha-master02-seed.iso",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab ha-master03-seed.iso",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab ha-hawork01-seed.iso .lab/ha/nodes/hawork01/seed.iso",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab ha-hawork02-seed.iso .lab/ha/nodes/hawork02/seed.iso",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab ha-master01-seed.iso .lab/ha/nodes/master01/seed.iso",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab ha-master02-seed.iso .lab/ha/nodes/master02/seed.iso",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab ha-master03-seed.iso .lab/ha/nodes/master03/seed.iso",
]
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/24-scaling.md: the commands that it causes 1`] = `
Array [
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:lab/worker03 -J -r -graft-points -o .lab/lab/nodes/worker03/seed.iso user-data=.lab/lab/nodes/worker03/seed/user-data meta-data=.lab/lab/nodes/worker03/seed/meta-data network-config=.lab/lab/nodes/worker03/network-config",
  "virsh -c qemu:///system change-media worker03 sda --eject --config",
  "virsh -c qemu:///system change-media worker03 sda --eject --live",
  "virsh -c qemu:///system define --validate .lab/lab/nodes/worker03/domain.xml",
  "virsh -c qemu:///system destroy worker03",
  "virsh -c qemu:///system pool-create-as rke2-kvm-lab-logs dir --target /var/log/libvirt/qemu",
  "virsh -c qemu:///system pool-destroy rke2-kvm-lab-logs",
  "virsh -c qemu:///system start worker03",
  "virsh -c qemu:///system undefine worker03 --managed-save --snapshots-metadata --checkpoints-metadata --nvram",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/nodes/worker03/disk.xml",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab lab-worker03-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab lab-worker03-seed.iso",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab lab-worker03.qcow2",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab lab-worker03-seed.iso .lab/lab/nodes/worker03/seed.iso",
]
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/25-autoscaling.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/26-observability.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/27-backup.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/28-off-and-on.md: the commands that it causes 1`] = `
Array [
  "virsh -c qemu:///system list --all",
  "virsh -c qemu:///system shutdown kubemaster",
  "virsh -c qemu:///system shutdown worker01",
  "virsh -c qemu:///system shutdown worker02",
  "virsh -c qemu:///system start kubemaster",
  "virsh -c qemu:///system start worker01",
  "virsh -c qemu:///system start worker02",
]
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/29-snapshots.md: the commands that it causes 1`] = `
Array [
  "virsh -c qemu:///system destroy kubemaster",
  "virsh -c qemu:///system destroy worker01",
  "virsh -c qemu:///system destroy worker02",
  "virsh -c qemu:///system managedsave-remove kubemaster",
  "virsh -c qemu:///system managedsave-remove worker01",
  "virsh -c qemu:///system managedsave-remove worker02",
  "virsh -c qemu:///system shutdown kubemaster",
  "virsh -c qemu:///system shutdown worker01",
  "virsh -c qemu:///system shutdown worker02",
  "virsh -c qemu:///system snapshot-create-as kubemaster clean --description rke2-kvm-lab:\\\\ kubemaster\\\\ worker01\\\\ worker02\\\\ \\\\(on\\\\)",
  "virsh -c qemu:///system snapshot-create-as worker01 clean --description rke2-kvm-lab:\\\\ kubemaster\\\\ worker01\\\\ worker02\\\\ \\\\(on\\\\)",
  "virsh -c qemu:///system snapshot-create-as worker02 clean --description rke2-kvm-lab:\\\\ kubemaster\\\\ worker01\\\\ worker02\\\\ \\\\(on\\\\)",
  "virsh -c qemu:///system snapshot-delete kubemaster clean",
  "virsh -c qemu:///system snapshot-delete worker01 clean",
  "virsh -c qemu:///system snapshot-delete worker02 clean",
  "virsh -c qemu:///system snapshot-list kubemaster --name",
  "virsh -c qemu:///system snapshot-revert kubemaster clean",
  "virsh -c qemu:///system snapshot-revert worker01 clean",
  "virsh -c qemu:///system snapshot-revert worker02 clean",
  "virsh -c qemu:///system start kubemaster",
  "virsh -c qemu:///system start worker01",
  "virsh -c qemu:///system start worker02",
]
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/30-upgrade.md: the commands that it causes 1`] = `
Array [
  "curl --fail --silent --show-error --location --connect-timeout 20 --speed-limit 1000 --speed-time 60 --retry 3 --continue-at - --output /home/you/.cache/rke2-kvm-lab/rke2/v1.37.0+rke2r1-f1ff6cd3/rke2.linux-amd64.tar.gz.part https://github.com/rancher/rke2/releases/download/v1.37.0%2Brke2r1/rke2.linux-amd64.tar.gz",
  "curl --fail --silent --show-error --location --connect-timeout 20 --speed-limit 1000 --speed-time 60 --retry 3 --output /home/you/.cache/rke2-kvm-lab/rke2/v1.37.0+rke2r1-f1ff6cd3/install.sh.part https://raw.githubusercontent.com/rancher/rke2/v1.37.0%2Brke2r1/install.sh",
  "curl --fail --silent --show-error --location --connect-timeout 20 --speed-limit 1000 --speed-time 60 --retry 3 --output /home/you/.cache/rke2-kvm-lab/rke2/v1.37.0+rke2r1-f1ff6cd3/sha256sum-amd64.txt.part https://github.com/rancher/rke2/releases/download/v1.37.0%2Brke2r1/sha256sum-amd64.txt",
]
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/31-resize-and-remove.md: the commands that it causes 1`] = `
Array [
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:lab/worker02 -J -r -graft-points -o .lab/lab/nodes/worker02/seed.iso user-data=.lab/lab/nodes/worker02/seed/user-data meta-data=.lab/lab/nodes/worker02/seed/meta-data network-config=.lab/lab/nodes/worker02/network-config",
  "virsh -c qemu:///system blockresize worker01 vda 64424509440B",
  "virsh -c qemu:///system change-media worker02 sda --eject --config",
  "virsh -c qemu:///system change-media worker02 sda --eject --live",
  "virsh -c qemu:///system define --validate .lab/lab/nodes/worker02/domain.xml",
  "virsh -c qemu:///system destroy worker02",
  "virsh -c qemu:///system pool-create-as rke2-kvm-lab-logs dir --target /var/log/libvirt/qemu",
  "virsh -c qemu:///system pool-destroy rke2-kvm-lab-logs",
  "virsh -c qemu:///system setmaxmem worker01 6144MiB --config",
  "virsh -c qemu:///system setmem worker01 6144MiB --config",
  "virsh -c qemu:///system shutdown worker01",
  "virsh -c qemu:///system start worker01",
  "virsh -c qemu:///system start worker02",
  "virsh -c qemu:///system undefine worker02 --managed-save --snapshots-metadata --checkpoints-metadata --nvram",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/nodes/worker02/disk.xml",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab lab-worker02-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab lab-worker02-seed.iso",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab lab-worker02.qcow2",
  "virsh -c qemu:///system vol-resize --pool rke2-kvm-lab lab-worker01.qcow2 53687091200B",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab lab-worker02-seed.iso .lab/lab/nodes/worker02/seed.iso",
]
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/32-drills.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/33-capstone.md: the commands that it causes 1`] = `
Array []
`

exports[`tests/docs/pages.test.ts > TAP > what the tutorials say to type, from first to last on the fake host > tutorials/35-clean-up.md: the commands that it causes 1`] = `
Array [
  "virsh -c qemu:///system destroy kubemaster",
  "virsh -c qemu:///system destroy worker01",
  "virsh -c qemu:///system destroy worker02",
  "virsh -c qemu:///system list --all",
  "virsh -c qemu:///system pool-create-as rke2-kvm-lab-logs dir --target /var/log/libvirt/qemu",
  "virsh -c qemu:///system pool-destroy rke2-kvm-lab-logs",
  "virsh -c qemu:///system undefine kubemaster --managed-save --snapshots-metadata --checkpoints-metadata --nvram",
  "virsh -c qemu:///system undefine worker01 --managed-save --snapshots-metadata --checkpoints-metadata --nvram",
  "virsh -c qemu:///system undefine worker02 --managed-save --snapshots-metadata --checkpoints-metadata --nvram",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab lab-kubemaster.qcow2",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab lab-worker01.qcow2",
  "virsh -c qemu:///system vol-delete --pool rke2-kvm-lab lab-worker02.qcow2",
]
`
