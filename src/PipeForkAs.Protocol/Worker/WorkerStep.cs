namespace PipeForkAs.Protocol.Worker;

/// <summary>
/// The steps by which a worker becomes the user, in their order. A failure in any of them means that the job does not run.
/// </summary>
public enum WorkerStep : byte
{
    /// <summary>Signal dispositions back to their defaults.</summary>
    Signals = 1,

    /// <summary>A session of its own: setsid(2).</summary>
    Session = 2,

    /// <summary>Every descriptor of the job host closed but the control socket: close_range(2).</summary>
    CloseDescriptors = 3,

    /// <summary>The session keyring: keyctl(2).</summary>
    Keyring = 4,

    /// <summary>The order read.</summary>
    Order = 5,

    /// <summary>
    /// The streams put on descriptors 0 and 1 while it waits, and on 2 by the order: dup2(2). For a program its pipes: pipe(2).
    /// </summary>
    Pipes = 6,

    /// <summary>oom_score_adj; proc(5).</summary>
    OomScoreAdjust = 7,

    /// <summary>The nice value: setpriority(2).</summary>
    Nice = 8,

    /// <summary>Resource limits: setrlimit(2).</summary>
    ResourceLimits = 9,

    /// <summary>Orphans come to the worker: prctl(2) PR_SET_CHILD_SUBREAPER.</summary>
    Orphans = 10,

    /// <summary>Supplementary groups: setgroups(2).</summary>
    Groups = 11,

    /// <summary>Group ids: setresgid(2).</summary>
    GroupIds = 12,

    /// <summary>User ids: setresuid(2).</summary>
    UserIds = 13,

    /// <summary>Capabilities: capset(2).</summary>
    Capabilities = 14,

    /// <summary>no_new_privs: prctl(2).</summary>
    NoNewPrivileges = 15,

    /// <summary>Not dumpable: prctl(2).</summary>
    Dumpable = 16,

    /// <summary>Ended with its parent: prctl(2) PR_SET_PDEATHSIG, and the parent still lives.</summary>
    ParentDeathSignal = 17,

    /// <summary>Everything above is as it should be, and root is out of reach.</summary>
    Verify = 18,

    /// <summary>The working directory: chdir(2).</summary>
    WorkingDirectory = 19,

    /// <summary>The environment: environ(7).</summary>
    Environment = 20,

    /// <summary>What the job may reach of the file system and the network: landlock(7).</summary>
    Landlock = 21,

    /// <summary>What the job may ask of the kernel: seccomp(2).</summary>
    Seccomp = 22,

    /// <summary>Signals unblocked.</summary>
    UnblockSignals = 23,

    /// <summary>The word to the daemon that the function begins: send(2).</summary>
    Runtime = 24,

    /// <summary>The program of a command: vfork(2), execve(2).</summary>
    Execute = 25,
}
