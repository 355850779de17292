using PipeForkAs.Jobs;

namespace PipeForkAs.TestJobs;

/// <summary>Forbidden actions during registration; PIPEFORKAS_TEST_REGISTRATION selects one.</summary>
internal static class BadRegistration
{
    public static void Try(JobCollection jobs)
    {
        switch (Environment.GetEnvironmentVariable("PIPEFORKAS_TEST_REGISTRATION"))
        {
            case "thread":
                new Thread(() => Thread.Sleep(Timeout.Infinite)) { IsBackground = true }.Start();
                break;
            case "name":
                jobs.Add("a name", () => "");
                break;
            case "throw":
                throw new InvalidOperationException("the author's own");
            case "shown":
                jobs.Add("shown", () => TestJson.Default.SecretArguments, Typed.Keep).WithAuditedArguments("Told");
                break;
        }
    }
}
