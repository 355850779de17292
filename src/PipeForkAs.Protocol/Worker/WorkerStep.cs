namespace PipeForkAs.Protocol.Worker;

/// <summary>The steps with which a worker becomes the user, in their order. If any of them fails, the job does not run.</summary>
public enum WorkerStep : byte
{
    /// <summary>Resets signal dispositions to their defaults.</summary>
    Signals = 1,

    /// <summary>Starts a new session: setsid(2).</summary>
    Session = 2,

    /// <summary>Closes every descriptor of the job host except the control socket: close_range(2).</summary>
    CloseDescriptors = 3,

    /// <summary>Joins a new session keyring: keyctl(2).</summary>
    Keyring = 4,

    /// <summary>Reads the order.</summary>
    Order = 5,

    /// <summary>Puts the streams on descriptors 0 and 1 while the worker waits, and on 2 after the order: dup2(2). For a program, creates
    /// its pipes: pipe(2).
    /// </summary>
    Pipes = 6,

    /// <summary>Sets oom_score_adj; proc(5).</summary>
    OomScoreAdjust = 7,

    /// <summary>Sets the nice value: setpriority(2).</summary>
    Nice = 8,

    /// <summary>Sets resource limits: setrlimit(2).</summary>
    ResourceLimits = 9,

    /// <summary>Makes the worker the parent of orphans: prctl(2) PR_SET_CHILD_SUBREAPER.</summary>
    Orphans = 10,

    /// <summary>Sets the supplementary groups: setgroups(2).</summary>
    Groups = 11,

    /// <summary>Sets the group ids: setresgid(2).</summary>
    GroupIds = 12,

    /// <summary>Sets the user ids: setresuid(2).</summary>
    UserIds = 13,

    /// <summary>Drops capabilities: capset(2).</summary>
    Capabilities = 14,

    /// <summary>Sets no_new_privs: prctl(2).</summary>
    NoNewPrivileges = 15,

    /// <summary>Makes the worker not dumpable: prctl(2).</summary>
    Dumpable = 16,

    /// <summary>Makes the worker end with its parent: prctl(2) PR_SET_PDEATHSIG; checks that the parent is still alive.</summary>
    ParentDeathSignal = 17,

    /// <summary>Checks the result of all steps above, and that root is out of reach.</summary>
    Verify = 18,

    /// <summary>Sets the working directory: chdir(2).</summary>
    WorkingDirectory = 19,

    /// <summary>Sets the environment: environ(7).</summary>
    Environment = 20,

    /// <summary>Restricts access to the file system and the network: landlock(7).</summary>
    Landlock = 21,

    /// <summary>Restricts system calls: seccomp(2).</summary>
    Seccomp = 22,

    /// <summary>Unblocks signals.</summary>
    UnblockSignals = 23,

    /// <summary>Reports to the daemon that the function begins: send(2).</summary>
    Runtime = 24,

    /// <summary>Runs the program of a command: vfork(2), execve(2).</summary>
    Execute = 25,
}
