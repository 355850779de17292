using System.Diagnostics.CodeAnalysis;
using PipeForkAs.Jobs.Runtime;
using PipeForkAs.Jobs.Worker;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Forking;

/// <summary>The main loop of a job host: one thread that forks workers on the daemon's request, and reports their ends. No data of a client
/// ever reaches it.
/// </summary>
internal sealed class HostServer
{
    /// <summary>The number of forks between collections. A fork leaves about 200 bytes of garbage. Without this, the collector would start
    /// at 17 MB of garbage (measured: 80,000 forks), and every later fork would copy the page tables of that memory.
    /// </summary>
    private const int CollectAfter = 1000;

    private readonly FileDescriptor control;
    private readonly FileDescriptor childSignal;
    private readonly FileDescriptor tasks;
    private readonly FileDescriptor oomScore = OomScore.Open();
    private readonly JobCollection jobs;
    private readonly ProcessId self = Libc.getpid();
    private readonly bool forRoot;
    private readonly MessageWriter writer = new(256);
    private readonly byte[] incoming = new byte[256];
    private readonly Children children;
    private readonly Action<EndedChild> reportEnded;

    private int forks;

    private HostServer(FileDescriptor control, FileDescriptor tasks, JobCollection jobs, bool forRoot)
    {
        this.control = control;
        this.tasks = tasks;
        this.jobs = jobs;
        this.forRoot = forRoot;
        reportEnded = ReportEnded;
        Libc.signal_ignore(Signal.SIGPIPE);
        Libc.sigmask_set(SignalSet.Of(Signal.SIGCHLD));
        childSignal = Libc.signalfd(SignalSet.Of(Signal.SIGCHLD));
        children = new Children(childSignal);
    }

    /// <summary>Serves the daemon until it closes the control socket, then ends the process. It skips the runtime's shutdown, which expects
    /// a finalizer thread.
    /// </summary>
    /// <param name="register">Registers the jobs.</param>
    /// <param name="forRoot">True if all orders will grant root; false if none will.</param>
    [DoesNotReturn]
    public static void Serve(Action<JobCollection> register, bool forRoot) => Libc._exit(ServeToTheEnd(register, forRoot));

    private static int ServeToTheEnd(Action<JobCollection> register, bool forRoot)
    {
        HostServer? server = null;
#pragma warning disable CA2000 // The process owns the descriptor and keeps it open.
        var control = new FileDescriptor(WorkerProtocol.ControlDescriptor);
#pragma warning restore CA2000
        try
        {
            // Descriptors 0, 1 and 2 must be in use, so that none of the worker's sockets gets one of these numbers.
            StandardStreams.Occupy();
#pragma warning disable CA2000 // The process owns the descriptor and keeps it open.
            FileDescriptor tasks = RuntimeThreads.OpenTasks();
#pragma warning restore CA2000
            RefuseUnlessItCanFork(tasks);
            var jobs = new JobCollection();
            register(jobs);
            RefuseUnlessOneThread(tasks, "after the jobs were registered");

            server = new HostServer(control, tasks, jobs, forRoot);
            HostIntroduction.Send(control, jobs);
            if (OomProtection.GiveUp()
                && HelperProcess.Start("the check of the OOM score", OomProtection.TryToTakeBack).Finish().Length > 0)
                OomProtection.Warn();
            WarmUp.NameServices();
            WarmUp.Json();
            WarmUp.MakeOrder();
            WarmUp.Run();
            SelfTest.Run();
            if (!forRoot)
                BoundingSet.Empty();
            HugePages.Take();
            server.Send(writer => writer.Begin(MessageKind.Ready));
            server.Loop();
            server.children.EndAll(daemonIsGone: true);
            return 0;
        }
#pragma warning disable CA1031 // The process reports every failure to the daemon, and ends.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            var writer = new MessageWriter();
            new Refused(failure is HostRefusedException ? failure.Message : $"{failure.GetType().FullName}: {failure.Message}").Encode(
                writer);
            Libc.send(control, writer.Written);
            server?.children.EndAll(daemonIsGone: false);
            return 1;
        }
    }

    private static void RefuseUnlessItCanFork(FileDescriptor tasks)
    {
        if (!RuntimeThreads.IsNative)
        {
            throw new HostRefusedException(
                "a job host must be native code (dotnet publish with PublishAot, and both imports of PipeForkAs.Jobs in its project "
                + "file): "
                + "forked CoreCLR processes crash, and share executable pages that a job could write");
        }

        RefuseUnlessOneThread(tasks, "at start");
    }

    private static void RefuseUnlessOneThread(FileDescriptor tasks, string when)
    {
        int threads = RuntimeThreads.Count(tasks);
        if (threads != 1)
            throw new HostRefusedException(
                $"the job host has {threads} threads {when}; it must have exactly one to fork; {RuntimeThreads.Remedy}");
    }

    private void Loop()
    {
        while (true)
        {
            (bool asked, bool childEnded) = Libc.poll_readable(control, childSignal, -1);
            if (childEnded)
                children.TakeEnded(reportEnded);
            if (asked && !Answer())
                return;
        }
    }

    /// <summary>Handles one message of the daemon. Returns false if the daemon is gone.</summary>
    private bool Answer()
    {
        IOResult received = Libc.recv(control, incoming);
        if (received.PeerGone)
            return false;
        int length = received.OrThrow("recv(control)");
        if (length == 0)
            return false;

        var reader = new MessageReader(incoming.AsSpan(0, length));
        switch (reader.Kind)
        {
            case MessageKind.Fork:
                reader.End();
                Fork();
                return true;
            case MessageKind.Ping:
                reader.End();
                children.EndForeign();
                Send(answer => answer.Begin(MessageKind.Pong));
                return true;
            case MessageKind.Reap:
                children.LetGo(new ProcessId(Reap.Decode(ref reader).Pid));
                return true;
            default:
                throw new FormatException($"the daemon sent a message of kind {(int)reader.Kind}, which is unknown to a job host");
        }
    }

    private void Fork()
    {
        RefuseUnlessOneThread(tasks, "before a fork");

        // All signals stay blocked in the worker until it has become the user.
        SignalSet former = Libc.sigmask_set(SignalSet.Full);
        WorkerEnds daemonEnds;
        ProcessId worker;
        try
        {
            worker = Fork(out daemonEnds);
        }
        catch (SystemCallException failure)
        {
            ReportForkFailure(failure);
            return;
        }
        finally
        {
            Libc.sigmask_set(former);
        }

        using (daemonEnds)
        {
            FileDescriptor pidfd;
            try
            {
                pidfd = Libc.pidfd_open(worker);
            }
            catch (SystemCallException failure)
            {
                // The daemon does not know this worker.
                Libc.kill(worker, Signal.SIGKILL);
                Libc.wait_for(worker);
                ReportForkFailure(failure);
                return;
            }

            children.Add(worker);
            using (pidfd)
            {
                new Forked(worker.Value).Encode(writer);
                Sent(Libc.sendmsg(control, writer.Written, [daemonEnds.Control, pidfd, daemonEnds.Stdin, daemonEnds.Stdout]));
            }
        }

        if (++forks % CollectAfter == 0)
            GC.Collect();
    }

    /// <summary>Forks a worker. Returns in the job host only; the worker runs on inside this method, and exits.</summary>
    /// <param name="daemonEnds">The daemon's ends of the worker's sockets.</param>
    /// <exception cref="SystemCallException">The fork failed: out of descriptors, memory or processes.</exception>
    private ProcessId Fork(out WorkerEnds daemonEnds)
    {
        var parent = new Parent(self, forRoot, OomScore.Read(oomScore));
        (daemonEnds, WorkerEnds workerEnds) = WorkerEnds.Create();
        ProcessId? worker;
        try
        {
#pragma warning disable RS0030 // The only place that forks workers.
            worker = Libc.fork();
#pragma warning restore RS0030
        }
        catch
        {
            daemonEnds.Dispose();
            workerEnds.Dispose();
            throw;
        }

        if (worker is null)
            WorkerProcess.Live(workerEnds, parent, jobs);
        workerEnds.Dispose();
        return worker.Value;
    }

    /// <summary>Reports a failed fork. The daemon may try again.</summary>
    private void ReportForkFailure(SystemCallException failure) => Send(writer => new ForkFailed(failure.Message).Encode(writer));

    private void ReportEnded(EndedChild child)
    {
        (bool bySignal, int value) = child.Status switch
        {
            WaitStatus.Signaled signaled => (true, signaled.Signal.Number),
            WaitStatus.Exited exited => (false, exited.Code),
            _ => throw new InvalidOperationException("a wait status is neither exited nor signaled"),
        };
        Send(new WorkerExited(
            child.Pid.Value, bySignal, value, child.Usage.UserTime + child.Usage.SystemTime, child.Usage.MaxResidentBytes).Encode);
    }

    private void Send(Action<MessageWriter> encode)
    {
        encode(writer);
        Sent(Libc.send(control, writer.Written));
    }

    /// <summary>Ignores that the daemon is gone: the next read finds it, and the job host ends in order.</summary>
    private static void Sent(IOResult sent)
    {
        if (!sent.PeerGone)
            sent.OrThrow("send(control)");
    }
}
