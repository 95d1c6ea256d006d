# SPDX-License-Identifier: BSD-2-Clause
"""Jobs, by snapshots inside of images: no format here holds any, so each concludes with the error that QEMU has for such an
image, and waits to be dismissed."""
import qmp
from qmp import eq, test

NODE = '-blockdev null-co,node-name=n0,size=1048576'


def statuses(vm, job):
    """The events of a job, up to its conclusion."""
    out = []
    while not out or out[-1] != 'concluded':
        out.append(vm.event('JOB_STATUS_CHANGE', id=job)['status'])
    return out


@test
def a_job_concludes():
    '''snapshot-save, -load, -delete: created, running, aborting, concluded; query-jobs says why, the newest first'''
    with qmp.Vm(NODE) as vm:
        eq(vm.cmd('query-jobs'), [])
        vm.cmd('snapshot-save', job_id='j0', tag='t', vmstate='n0', devices=['n0'])
        eq(statuses(vm, 'j0'), ['created', 'running', 'aborting', 'concluded'])
        vm.cmd('snapshot-load', job_id='j1', tag='t', vmstate='d0', devices=['d0'])
        vm.cmd('snapshot-delete', job_id='j2', tag='t', devices=[])
        statuses(vm, 'j2')
        eq(vm.cmd('query-jobs'), [
            {'id': name, 'type': kind, 'status': 'concluded', 'current-progress': 1, 'total-progress': 1, 'error': why}
            for name, kind, why in (('j2', 'snapshot-delete', 'At least one device is required for snapshot'),
                                    ('j1', 'snapshot-load', "No block device node 'd0'"),
                                    ('j0', 'snapshot-save', "Device 'n0' is writable but does not support snapshots"))])


@test
def a_job_is_dismissed():
    '''job-dismiss: the name is free again; other verbs are not for a job that has concluded'''
    with qmp.Vm(NODE) as vm:
        vm.cmd('snapshot-save', job_id='j', tag='t', vmstate='n0', devices=['n0'])
        statuses(vm, 'j')
        eq(vm.error('snapshot-save', job_id='j', tag='t', vmstate='n0', devices=['n0']), "Job ID 'j' already in use")
        for verb in 'cancel', 'pause', 'resume', 'complete', 'finalize':
            eq(vm.error(f'job-{verb}', id='j'), f"Job 'j' in state 'concluded' cannot accept command verb '{verb}'")
        vm.cmd('job-dismiss', id='j')
        eq(vm.event('JOB_STATUS_CHANGE', id='j')['status'], 'null')
        eq(vm.error('job-dismiss', id='j'), 'Job not found')
        eq(vm.cmd('query-jobs'), [])


@test
def bad_names():
    '''job-id: a letter, then letters, digits and -._'''
    with qmp.Vm(NODE) as vm:
        for name in '', '1x', 'a b', 'ä':
            eq(vm.error('snapshot-save', job_id=name, tag='t', vmstate='n0', devices=['n0']), f"Invalid job ID '{name}'")


if __name__ == '__main__':
    qmp.main()
