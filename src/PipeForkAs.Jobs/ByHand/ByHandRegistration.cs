using PipeForkAs.Jobs.Registration;
using PipeForkAs.Jobs.Runtime;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>Registers the jobs of a job host that a person started, and tells what the daemon would refuse.</summary>
internal static class ByHandRegistration
{
    /// <summary>
    /// CoreCLR compiles methods anew on a thread that comes and goes as it likes; the kernel keeps 15 characters of its name.
    /// </summary>
    private const string CompilerThread = ".NET Tiered Com";

    /// <summary>Registers the jobs. What else the author's function throws is the author's, with its stack.</summary>
    /// <returns>False where the registration is refused, which is told on standard error.</returns>
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

        // CoreCLR has threads of its own, which the native job host has not.
        int started = CountThreads() - threads;
        if (started > 0)
            Terminal.Warning(
                $"{1 + started} threads after the jobs were registered: the daemon would refuse this job "
                + $"host. {RuntimeThreads.HowToHaveOne}");

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
            return true; // ESRCH or ENOENT: it ended meanwhile.
        }
    }
}
