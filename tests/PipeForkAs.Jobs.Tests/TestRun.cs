using System.Text;

namespace PipeForkAs.Jobs.Tests;

/// <summary>A job context over memory, as in a unit test of an author.</summary>
internal sealed class TestRun : IDisposable
{
    private readonly MemoryStream output = new();
    private readonly MemoryStream error = new();

    public TestRun(string arguments = "", string input = "", Stream? inputStream = null) => Context = new JobContext(
        new JobUser("alice", 1000, 1000, [1000], "/home/alice", "/bin/sh"),
        Encoding.UTF8.GetBytes(arguments), inputStream ?? new MemoryStream(Encoding.UTF8.GetBytes(input)), output, error);

    public JobContext Context { get; }

    public byte[] OutputBytes => output.ToArray();

    public string Output => Encoding.UTF8.GetString(output.ToArray());

    public string Error => Encoding.UTF8.GetString(error.ToArray());

    /// <summary>Runs a job and returns what it wrote; its exit code must be 0.</summary>
    public static string Of(Job job, string arguments = "")
    {
        using var run = new TestRun(arguments);
        Assert.Equal(0, job.Invoke(run.Context));
        return run.Output;
    }

    public void Dispose()
    {
        output.Dispose();
        error.Dispose();
    }
}
