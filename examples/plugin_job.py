"""Run a plugin, follow what it prints, and wait for its end."""

from __future__ import annotations

from synapse import Job, JobLog, JobStatus, Plugin, PluginRelease

release = PluginRelease.objects.get("sign-detector@1.1.0")
print(release.plugin.name, release.version, release.requirements)

# `steps` and `seconds` tell the sandbox how to play the run.
plugin = Plugin.objects.get("sign-detector")
job = plugin.run(action="inference", params={"steps": 3, "seconds": 0.5}, version=release.version)
for line in job.tail():
    print(line)

job.wait(timeout=60)
print(job.status, job.result, f"{job.percent:.0f} %")

JobLog.objects.create(job=job, event="note", data={"looked at": True}, level="success")
print([(log.event, log.data) for log in job.logs])

succeeded = Job.objects.filter(plugin=plugin, status=JobStatus.SUCCEEDED)
print(succeeded.count(), "runs of", plugin.code, "have succeeded")
