using PipeForkAs.Jobs;
using PipeForkAs.Protocol;
using PipeForkAs.TestJobs;

// Jobs for tests: they end in every way, load the runtime, print their state, and try forbidden actions.
return JobHost.Run(args, jobs =>
{
    BadRegistration.Try(jobs);

    // How a job ends.
    jobs.Add("sleep", () => TestJson.Default.Duration, Ending.Sleep).WithDescription("Sleep");
    jobs.Add("exit", () => TestJson.Default.ExitArguments, Ending.Exit).WithDescription("Return an exit code");
    jobs.Add("signal", () => TestJson.Default.SignalArguments, Ending.Signal).WithDescription("End by a signal");
    jobs.Add("throw", () => TestJson.Default.ThrowArguments, Ending.Throw).WithDescription("Throw an exception");
    jobs.Add("overflow", Ending.Overflow).WithDescription("Overflow the stack");
    jobs.Add("ignore-sigterm", () => TestJson.Default.Duration, Ending.IgnoreSigterm).WithDescription(
        "Ignore SIGTERM, write \"ready\" and sleep");
    jobs.Add("graceful", Ending.Graceful).WithDescription("Write \"ready\", then \"cancelled\" at SIGTERM, and exit with 42");
    jobs.Add("wait", () => TestJson.Default.WaitArguments, Ending.WaitAsync).WithDescription("Write \"ready\", wait until cancelled; 43");
    jobs.Add("background", () => TestJson.Default.BackgroundArguments, Ending.Background).WithDescription(
        "Leave a process that keeps standard output open");

    // Input and output.
    jobs.Add("flood", () => TestJson.Default.FloodArguments, Transfer.Flood).WithDescription(
        "Write a number of bytes to each output in turn; 0: endlessly");
    jobs.Add("count-stdin", Transfer.CountStdin).WithDescription("Show the number of bytes of standard input and their SHA-256");
    jobs.Add("mark", () => TestJson.Default.MarkArguments, Transfer.Mark).WithDescription("Create a file: the proof that the job ran");
    jobs.Add("sum", () => TestJson.Default.SumArguments, () => TestJson.Default.SumResult, Typed.Sum).WithDescription("Add two numbers");
    jobs.Add("typed-all", () => TestJson.Default.AllTypes, () => TestJson.Default.AllTypes, Typed.Same).WithDescription(
        "Return arguments of all types");
    jobs.Add("big-arguments", () => TestJson.Default.BigArguments, () => TestJson.Default.BigResult, Typed.Measure).WithDescription(
        "Show the length of a text");

    // Features of the runtime in a worker.
    jobs.Add("allocate", () => TestJson.Default.AllocateArguments, RuntimeLoad.Allocate).WithDescription("Allocate and collect");
    jobs.Add("threads", () => TestJson.Default.Count, RuntimeLoad.Threads).WithDescription("Start threads that allocate and collect");
    jobs.Add("tasks", () => TestJson.Default.Count, RuntimeLoad.TasksAsync).WithDescription("Run tasks on the thread pool");
    jobs.Add("timers", () => TestJson.Default.Count, RuntimeLoad.TimersAsync).WithDescription("Wait for timers");
    jobs.Add("finalizers", RuntimeLoad.Finalizers).WithDescription("Wait for finalizers");
    jobs.Add("finalizers-unawaited", RuntimeLoad.FinalizersUnawaited).WithDescription(
        "Collect, and see finalizers run without waiting for them");
    jobs.Add("threads-after-spinning", RuntimeLoad.ThreadsAfterSpinning).WithDescription(
        "Spin, and show the number of threads");
    jobs.Add("process", RuntimeLoad.Process).WithDescription("Start a process and return its output");
    jobs.Add("async-files", RuntimeLoad.AsyncFilesAsync).WithDescription("Write and read a file asynchronously");
    jobs.Add("exceptions", () => TestJson.Default.Count, RuntimeLoad.Exceptions).WithDescription("Throw and catch");
    jobs.Add("mix", () => TestJson.Default.MixArguments, Mix.RunAsync).WithDescription(
        "A random mix of all of these, the same for the same seed");

    // The state of a worker.
    jobs.Add("randoms", Siblings.Randoms).WithDescription("Numbers that must differ between workers");
    jobs.Add("static-counter", Siblings.StaticCounter).WithDescription("Count in a static field, which workers must not share");
    jobs.Add("self", Self.Describe).WithDescription("Show the state of the worker from inside").AllowEnvironment("LANG", "TEST_VALUE");

    // Forbidden actions of a worker.
    jobs.Add("regain-root", RegainRoot.Try).WithDescription("Try the ways back to root and show which succeed");
    jobs.Add("control-abuse", ControlAbuse.Run).WithDescription("Write false messages, garbage and descriptors to the control socket");
    jobs.Add("control-flood", ControlFlood.Run).WithDescription("Fill the control socket with bytes and descriptors");
    jobs.Add("control-linger", () => TestJson.Default.Duration, ControlLinger.Run).WithDescription(
        "Send a descriptor that lingers to the control socket");
    jobs.Add("forge-step", Hostile.ForgeStep).WithDescription("Claim on the control socket that a step before the job failed");
    jobs.Add("hold-control", () => TestJson.Default.HoldArguments, Hostile.HoldControl).WithDescription(
        "Leave a process that keeps the control socket open");
    jobs.Add("claim-return", () => TestJson.Default.HoldArguments, Hostile.ClaimReturn).WithDescription(
        "Claim to have returned, and continue");
    jobs.Add("attack", () => TestJson.Default.AttackArguments, Hostile.Attack).WithDescription(
        "Signal and trace processes and show what succeeds");
    jobs.Add("attack-network", () => TestJson.Default.AttackArguments, Hostile.Attack).WithDescription(
        "The same, without network").WithSandbox(new Sandbox { NoNetwork = true });
    jobs.Add("attack-calls", () => TestJson.Default.AttackArguments, Hostile.Attack).WithDescription(
        "The same, with the profile of calls").WithSandbox(new Sandbox { Seccomp = SeccompProfile.Default });
    jobs.Add("make-siblings", () => TestJson.Default.SiblingArguments, Hostile.MakeSiblings)
        .WithDescription("Create children of the job host");
    jobs.Add("make-siblings-network", () => TestJson.Default.SiblingArguments, Hostile.MakeSiblings)
        .WithDescription("The same, without network").WithSandbox(new Sandbox { NoNetwork = true });
    jobs.Add("make-siblings-calls", () => TestJson.Default.SiblingArguments, Hostile.MakeSiblings)
        .WithDescription("The same, with the profile of calls").WithSandbox(new Sandbox { Seccomp = SeccompProfile.Default });
    jobs.Add("become", () => TestJson.Default.BecomeArguments, (arguments, _) => Hostile.Become(arguments))
        .WithDescription("Execute a program in place of the function");
    jobs.Add("stop-self", Hostile.StopSelf).WithDescription("Stop by SIGSTOP");
    jobs.Add("boxed", () => TestJson.Default.BoxedArguments, Boxed.RunAsync).WithDescription("Show what is accessible from a sandbox")
        .WithSandbox(
            new Sandbox { ReadOnly = ["/usr", "/etc/passwd"], ReadWrite = ["~/box"], NoNetwork = true, Seccomp = SeccompProfile.Default });
    jobs.Add("ask", () => TestJson.Default.AskArguments, Boxed.AskAsync).WithDescription("Send a request to a service of the machine");
    jobs.Add("ask-files", () => TestJson.Default.AskArguments, Boxed.AskAsync).WithDescription(
        "The same, with files restricted").WithSandbox(new Sandbox { ReadOnly = ["/usr", "/etc"] });
    jobs.Add("ask-network", () => TestJson.Default.AskArguments, Boxed.AskAsync).WithDescription("The same, without network").WithSandbox(
        new Sandbox { NoNetwork = true });
    jobs.Add("audited", () => TestJson.Default.SecretArguments, Typed.Keep).WithDescription(
        "Accept a secret besides what may be shown").WithAuditedArguments("told").AllowEnvironment("TEST_VALUE");
    jobs.Add("append", () => TestJson.Default.AppendArguments, Hostile.Append).WithDescription(
        "Append a line to a file, and sleep: the proof of how often the job ran");
});
