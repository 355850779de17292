using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Changes the worker to the user, from the first step to the last, in the required order. Any failure throws, and then no code
/// runs as the user. The worker looks up nothing; the daemon has resolved everything to numbers.
/// </summary>
/// <param name="jobHost">The job host that forked the worker.</param>
/// <param name="ends">The worker's ends of its sockets; <see cref="Prepare"/> moves them to their descriptor numbers.</param>
internal sealed class UserChange(Parent jobHost, WorkerEnds ends)
{
    /// <summary>
    /// SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU, and SIGXCPU to SIGPWR;
    /// signal(7).
    /// </summary>
    private static ReadOnlySpan<byte> HostSignals => [1, 2, 3, 10, 12, 13, 14, 15, 17, 20, 21, 22, 24, 25, 26, 27, 28, 29, 30];

    private WorkerStep step;

    /// <summary>The current step.</summary>
    public WorkerStep Step => step;

    /// <summary>The worker's control socket; <see cref="Prepare"/> moves it to <see cref="WorkerProtocol.ControlDescriptor"/>.</summary>
    public FileDescriptor Control { get; private set; } = ends.Control;

    /// <summary>The account's groups in the form that the kernel's calls take.</summary>
    public static GroupId[] GroupsOf(Account account)
    {
        var groups = new GroupId[account.Groups.Length];
        for (int i = 0; i < groups.Length; i++)
            groups[i] = new GroupId(account.Groups[i]);
        return groups;
    }

    /// <summary>Does the steps that do not depend on the user, while the worker waits for its order.</summary>
    public void Prepare()
    {
        try
        {
            PrepareSteps();
        }
        catch (SystemCallException failure)
        {
            throw new StepFailedException(step, failure.Errno, failure.Message);
        }
    }

    /// <summary>Changes to the user. Returns when the job may run.</summary>
    /// <param name="order">The order.</param>
    /// <param name="stderr">The socket for the job's standard error; null if it goes to the same stream as standard output.</param>
    /// <param name="mayGainPrivileges">Whether programs that the job starts may gain privileges.</param>
    public void Become(WorkerOrder order, FileDescriptor? stderr, bool mayGainPrivileges)
    {
        try
        {
            Apply(order, stderr, mayGainPrivileges);
        }
        catch (SystemCallException failure)
        {
            throw new StepFailedException(step, failure.Errno, failure.Message);
        }
    }

    private void PrepareSteps()
    {
        step = WorkerStep.Signals;
        foreach (byte signal in HostSignals)
            Libc.signal_default(new Signal(signal));

        // The worker then has no terminal into which it could push input (TIOCSTI), and has a process group that the daemon can kill.
        step = WorkerStep.Session;
        Libc.setsid();

        // Descriptor 2 stays the job host's until the order arrives: the daemon's log then gets any message of the runtime.
        step = WorkerStep.Pipes;
        Libc.dup2(ends.Stdin, 0).Release();
        Libc.dup2(ends.Stdout, 1).Release();

        // A sibling's control socket would let one job give orders to another: no descriptor of the job host stays open.
        step = WorkerStep.CloseDescriptors;
        Control = Libc.dup3_cloexec(Control, WorkerProtocol.ControlDescriptor);
        Libc.close_range(WorkerProtocol.ControlDescriptor + 1, uint.MaxValue);

        // If no keyring is reachable, none can be shared.
        step = WorkerStep.Keyring;
        Libc.keyctl_join_session_keyring();

        // An idle worker ends with its job host as well. setresuid clears this, so it is set again below.
        step = WorkerStep.ParentDeathSignal;
        DieWithJobHost();
    }

    private void Apply(WorkerOrder order, FileDescriptor? stderr, bool mayGainPrivileges)
    {
        Account account = order.Account;
        WorkerLimits limits = order.Limits;
        var uid = new UserId(account.Uid);
        var gid = new GroupId(account.Gid);
        GroupId[] groups = GroupsOf(account);

        step = WorkerStep.Order;
        bool root = uid == UserId.Root;
        if (uid == UserId.Unchanged || (root && !order.GrantsRoot))
            throw new StepFailedException(
                step, Errno.None, $"a worker never runs a job as uid {uid}{(root ? " unless a rule grants it" : "")}");
        if (order.GrantsRoot != jobHost.ForRoot)
            throw new StepFailedException(
                step, Errno.None, $"the worker was forked for an order that {(jobHost.ForRoot ? "grants root" : "does not grant root")}");
        if (order.GrantsRoot && !root)
            throw new StepFailedException(step, Errno.None, $"the order grants root but names uid {uid}");
        bool isNone = gid == GroupId.Unchanged;
        foreach (GroupId group in groups)
            isNone |= group == GroupId.Unchanged;
        if (isNone)
            throw new StepFailedException(
                step, Errno.None, $"the user {account.Name} has the group {GroupId.Unchanged}, which is not a valid group");

        step = WorkerStep.Pipes;
#pragma warning disable CA2000 // The process owns the descriptor and keeps it open.
        Libc.dup2(stderr ?? new FileDescriptor(1), 2).Release();
#pragma warning restore CA2000
        Libc.close_range(WorkerProtocol.ControlDescriptor + 1, uint.MaxValue);

        step = WorkerStep.OomScoreAdjust;

        // Writing this file in /proc costs a worker, here and at its end, as much as all other limits together.
        if (limits.OomScoreAdjust != jobHost.OomScoreAdjust)
            OomScore.Write(limits.OomScoreAdjust);

        step = WorkerStep.Nice;
        Libc.setpriority(limits.Nice);

        step = WorkerStep.ResourceLimits;
        Limit(ResourceLimit.RLIMIT_NOFILE, limits.OpenFiles);
        Limit(ResourceLimit.RLIMIT_CPU, limits.CpuSeconds);
        Limit(ResourceLimit.RLIMIT_FSIZE, limits.FileSize);
        Limit(ResourceLimit.RLIMIT_DATA, limits.DataBytes);
        Limit(ResourceLimit.RLIMIT_NPROC, limits.Processes);
        Limit(ResourceLimit.RLIMIT_CORE, limits.CoreSize);
        Libc.umask(limits.Umask);

        step = WorkerStep.Orphans;
        if (order.KeepsOrphans)
            Libc.prctl_set_child_subreaper(true);

        step = WorkerStep.Capabilities;
        Libc.prctl_cap_ambient_clear_all();

        // The order matters: without the root uid the worker cannot change the others, and it would keep groups that it does not replace.
        step = WorkerStep.Groups;
        Libc.setgroups(groups);
        step = WorkerStep.GroupIds;
        Libc.setresgid(gid, gid, gid);
        step = WorkerStep.UserIds;
        Libc.setresuid(uid, uid, uid);
        step = WorkerStep.Capabilities;
        if (!root)
            Libc.capset(CapabilitySets.None);

        step = WorkerStep.NoNewPrivileges;
        if (!mayGainPrivileges)
            Libc.prctl_set_no_new_privs();
        step = WorkerStep.Dumpable;
        Libc.prctl_set_dumpable(false);
        step = WorkerStep.ParentDeathSignal;
        DieWithJobHost();

        step = WorkerStep.Verify;
        Verification.Check(uid, gid, groups, noNewPrivileges: !mayGainPrivileges);

        // As the user: the home directory may be on a file system that maps root to nobody.
        step = WorkerStep.WorkingDirectory;
        EnterHome(account.Home, order.NeedsHome);
    }

    private void DieWithJobHost()
    {
        Libc.prctl_set_pdeathsig(Signal.SIGKILL);
        ProcessId parent = Libc.getppid();
        if (parent != jobHost.Pid)
            throw new StepFailedException(step, Errno.None, $"the job host {jobHost.Pid} has ended; the parent is process {parent}");
    }

    private static void EnterHome(string home, bool isNeeded)
    {
        try
        {
            Libc.chdir(home.Length > 0 && home[0] == '/' ? home : "/");
        }
        catch (SystemCallException failure) when (failure.Errno != Errno.ENOMEM && !isNeeded)
        {
            // A missing or inaccessible home directory is common; the job finds out if it uses the directory.
            Libc.chdir("/");
        }
    }

    private static void Limit(ResourceLimit resource, long? value)
    {
        if (value is not { } limit)
            return;

        // Never more than the daemon's own limit.
        ulong most = Math.Min((ulong)limit, Libc.getrlimit(resource).Hard);
        Libc.setrlimit(resource, most, most);
    }
}
