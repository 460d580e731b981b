"""Holds rendered manifests to the API of Kubernetes, to the profile "restricted", and to what the programs need.

    check_manifests.py BRAID NAME@VERSION.yaml…      BRAID: the router's binary
"""

import functools
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import kubernetes_validate
import kubernetes_validate.utils
import yaml

# The schemas are large: each is read once.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)

# These come with operators and are not in the API itself. What must be in their spec for them to be of any use.
ELSEWHERE = {
    "monitoring.coreos.com/v1 ServiceMonitor": {"selector", "endpoints"},
    "monitoring.coreos.com/v1 PrometheusRule": {"groups"},
    "gateway.networking.k8s.io/v1 HTTPRoute": {"parentRefs", "rules"},
}

ROOT = Path(__file__).parents[2]

problems = []
counts = Counter()


def check(is_right, what):
    counts["checks"] += 1
    if not is_right:
        problems.append(what)


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text).group(1))


def check_api(where, version, manifest):
    kind = f'{manifest["apiVersion"]} {manifest["kind"]}'
    if kind in ELSEWHERE:
        counts["of operators"] += 1
        check(ELSEWHERE[kind] <= manifest["spec"].keys(), f"{where}: lacks {ELSEWHERE[kind] - manifest['spec'].keys()}")
        return
    counts["manifests"] += 1
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        check(False, f"{where}: {'.'.join(map(str, error.path))}: {error.message}")
    except kubernetes_validate.SchemaNotFoundError as error:
        check(False, f"{where}: {error.message}")


def check_pod(where, pod):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, and a read-only root."""
    context = pod["securityContext"]
    check(context["runAsNonRoot"] is True and context["runAsUser"] > 0, f"{where}: may run as root")
    check(context["seccompProfile"]["type"] == "RuntimeDefault", f"{where}: has no seccomp profile")
    check(pod["automountServiceAccountToken"] is False, f"{where}: has a token for the Kubernetes API")
    check(not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), f"{where}: sees its host")
    kinds = {next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]}
    check(kinds <= {"configMap", "emptyDir", "projected", "secret"}, f"{where}: has volumes of the kinds {kinds}")
    names = {volume["name"] for volume in pod["volumes"]}
    for container in pod["containers"]:
        own = container["securityContext"]
        check(own["allowPrivilegeEscalation"] is False, f"{where}: may gain privileges")
        check(own["capabilities"] == {"drop": ["ALL"]}, f"{where}: keeps capabilities")
        check(own["readOnlyRootFilesystem"] is True, f"{where}: writes to its root")
        check({"requests", "limits"} <= container["resources"].keys(), f"{where}: has no resources")
        check({"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), f"{where}: lacks a probe")
        check({mount["name"] for mount in container["volumeMounts"]} <= names, f"{where}: mounts what is not there")
        check(not any("subPath" in mount for mount in container["volumeMounts"]), f"{where}: a subPath is never updated")
        ports = {port["name"] for port in container["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            how = container[probe].get("httpGet") or container[probe]["tcpSocket"]
            check(how["port"] in ports, f"{where}: {probe} asks a port that is not there")
        # A secret that is a variable shows in `kubectl describe`, in crash reports, and to every child process.
        plain = [env["name"] for env in container.get("env", []) if re.search("TOKEN|SECRET|PASSWORD|DATABASE_URL", env["name"]) and "value" in env]
        check(all(name.endswith("_FILE") for name in plain), f"{where}: secrets as variables: {plain}")
        for env in container.get("env", []):
            if env["name"].endswith("_FILE"):
                items = {item["path"] for volume in pod["volumes"] if volume["name"] == "secrets" for source in volume["projected"]["sources"] for item in source["secret"]["items"]}
                check(Path(env["value"]).name in items, f"{where}: {env['name']} names no file")


def check_names(where, manifests):
    """Everything that one manifest says of another is there."""
    pods = [m["spec"]["template"]["metadata"]["labels"] for m in manifests if m["kind"] == "Deployment"]
    services = {m["metadata"]["name"]: m for m in manifests if m["kind"] == "Service"}
    deployments = {m["metadata"]["name"]: m for m in manifests if m["kind"] == "Deployment"}

    def selects(labels):
        return sum(labels.items() <= pod.items() for pod in pods)

    for manifest in manifests:
        name, spec = f'{where}: {manifest["kind"]} {manifest["metadata"]["name"]}', manifest.get("spec", {})
        match manifest["kind"]:
            case "Service":
                check(selects(spec["selector"]) == 1, f"{name}: selects {selects(spec['selector'])} deployments")
            case "Deployment" | "PodDisruptionBudget":
                check(selects(spec["selector"]["matchLabels"]) == 1, f"{name}: selects another deployment too, or none")
            case "NetworkPolicy":
                check(selects(spec["podSelector"]["matchLabels"]) == 1, f"{name}: is not about one deployment")
            case "HorizontalPodAutoscaler":
                target = deployments.get(spec["scaleTargetRef"]["name"])
                check(target is not None and "replicas" not in target["spec"], f"{name}: scales nothing, or what has a number of its own")
                check(spec["metrics"], f"{name}: goes by nothing")
            case "Ingress":
                for rule in spec["rules"]:
                    for path in rule["http"]["paths"]:
                        check(path["backend"]["service"]["name"] in services, f"{name}: leads nowhere")
                        check(path["path"] != "/", f"{name}: makes metrics public")
            case "HTTPRoute":
                for rule in spec["rules"]:
                    check(all(backend["name"] in services for backend in rule["backendRefs"]), f"{name}: leads nowhere")
    for manifest in deployments.values():
        for container in manifest["spec"]["template"]["spec"]["containers"]:
            for env in container["env"]:
                host = re.match(r"http://([a-z-]+)[:/]", env.get("value", ""))
                if host and "." not in host.group(1):
                    check(host.group(1) in services, f"{where}: {env['name']} names {host.group(1)}, which is no service")


def check_router(where, manifests, braid):
    """The router accepts its configuration, and the pod's time to end is enough for its drain."""
    config = next(m for m in manifests if m["kind"] == "ConfigMap" and m["metadata"]["name"].endswith("-router"))["data"]
    deployment = next(m for m in manifests if m["kind"] == "Deployment" and m["metadata"]["name"].endswith("-router"))
    pod = deployment["spec"]["template"]["spec"]
    with tempfile.TemporaryDirectory() as folder:
        for file, text in config.items():
            (Path(folder) / file).write_text(text)
        environment = dict(os.environ)
        for name in re.findall(r"\$\{env\.(\w+)", config["router.yaml"]):
            given = {env["name"] for env in pod["containers"][0]["env"]}
            check(name in given or f"{name}_FILE" in given, f"{where}: router.yaml has ${{env.{name}}}, which the pod does not")
            environment[name] = "redis://redis:6379/0" if name == "REDIS_URL" else "a-secret"
        said = subprocess.run([braid, "config", "validate", f"{folder}/router.yaml"], capture_output=True, text=True, env=environment)
        check(said.returncode == 0, f"{where}: router.yaml is refused: {said.stderr}")
    router = yaml.safe_load(config["router.yaml"])
    if any(m["kind"] == "Deployment" and m["metadata"]["name"].endswith("-users") for m in manifests):
        sign_in = yaml.safe_load((ROOT / "schema/docker/router.yaml").read_text())["server"]["playground"]["sign_in"]
        check(router["server"].get("playground", {}).get("sign_in") == sign_in, f"{where}: the page of the shop has another form to sign in than docker-compose.yml's, or none")
    drain = seconds(router["server"].get("shutdown_delay", "0s")) + seconds(router["server"].get("shutdown_grace", "30s"))
    check(pod["terminationGracePeriodSeconds"] > drain, f"{where}: is killed before it has drained")
    probe = pod["containers"][0]["readinessProbe"]
    noticed = probe["periodSeconds"] * probe["failureThreshold"]
    check(seconds(router["server"].get("shutdown_delay", "0s")) >= noticed, f"{where}: stops before readiness is known to be down")
    annotations = deployment["spec"]["template"]["metadata"].get("annotations", {})
    check(not any(key.startswith("checksum") for key in annotations), f"{where}: restarts when its configuration changes")


def check_metrics():
    """The dashboard and the alerts ask for metrics that the router has."""
    source = "".join(path.read_text() for path in (ROOT / "router/crates/telemetry/src").rglob("*.rs"))
    known = set(re.findall(r'"([a-z0-9_]+)"', source))
    for file in ("braid.json", "alerts.yml"):
        text = (ROOT / "deploy/helm/braid/dashboards" / file).read_text()
        names = set(re.findall(r"\bbraid_([a-z0-9_]+)", text))
        check(len(names) > 5, f"{file}: asks for no metrics")
        for name in names:
            stems = {name, re.sub(r"_total$", "", name), re.sub(r"(_seconds)?(_bucket|_count|_sum)$", "", name)}
            check(stems & known, f"{file}: the router has no metric braid_{name}")


def main():
    braid, *files = sys.argv[1:]
    for file in files:
        where, version = Path(file).stem.split("@")[0], Path(file).stem.split("@")[1]
        where = f"{where}, Kubernetes {version}"
        manifests = [manifest for manifest in yaml.safe_load_all(Path(file).read_text()) if manifest]
        for manifest in manifests:
            check_api(f'{where}: {manifest["kind"]} {manifest["metadata"]["name"]}', version, manifest)
            if manifest["kind"] == "Deployment":
                check_pod(f'{where}: {manifest["metadata"]["name"]}', manifest["spec"]["template"]["spec"])
        check_names(where, manifests)
        check_router(where, manifests, braid)
    check_metrics()
    for problem in problems:
        print(f"FAILED: {problem}", file=sys.stderr)
    print(f'manifests: {counts["manifests"]} held to the API, {counts["of operators"]} of operators looked at, {counts["checks"]} checks, {len(problems)} problems')
    sys.exit(bool(problems))


main()
