using PipeForkAs.Jobs.Registration;
using PipeForkAs.Jobs.Runtime;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>Registers the jobs of a job host that a person started, and reports what the daemon would refuse.</summary>
internal static class ByHandRegistration
{
    /// <summary>The thread on which CoreCLR recompiles methods; it starts and ends at any time. The kernel keeps 15 characters of a
    /// thread's name.
    /// </summary>
    private const string CompilerThread = ".NET Tiered Com";

    /// <summary>Registers the jobs. Other exceptions of the registering function propagate with their stack.</summary>
    /// <returns>False if the daemon would refuse the registration; standard error then says why.</returns>
    public static bool TryRegister(JobCollection jobs, Action<JobCollection> register)
    {
        int threads = CountThreads();
        try
        {
            register(jobs);
        }
        catch (ArgumentException refused)
        {
            Terminal.Error(refused.Message);
            return false;
        }

        // CoreCLR has threads that a native job host does not have.
        int started = CountThreads() - threads;
        if (started > 0)
            Terminal.Warning(
                $"{1 + started} threads after the jobs were registered: the daemon would refuse this job "
                + $"host; {RuntimeThreads.Remedy}");

        string[] problems = [.. jobs.Jobs.Where(job => job.AuditedArguments.Count > 0)
            .Select(job => AuditedArgumentNames.Problem(job, job.ArgumentsSchema()?.ToJsonString() ?? "")).OfType<string>()];
        foreach (string problem in problems)
            Terminal.Error(problem);
        return problems.Length == 0;
    }

    private static int CountThreads()
    {
        if (!RuntimeThreads.IsNative)
            return Directory.EnumerateDirectories("/proc/self/task").Count(task => !IsCompilerOrEnded(task));
        using FileDescriptor tasks = RuntimeThreads.OpenTasks();
        return RuntimeThreads.Count(tasks);
    }

    private static bool IsCompilerOrEnded(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm")).TrimEnd('\n') == CompilerThread;
        }
        catch (IOException)
        {
            return true; // ESRCH or ENOENT: the thread has ended meanwhile.
        }
    }
}
