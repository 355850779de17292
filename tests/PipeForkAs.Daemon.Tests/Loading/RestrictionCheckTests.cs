using System.Text;
using Microsoft.Extensions.Configuration;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;

namespace PipeForkAs.Daemon.Tests.Loading;

public sealed class RestrictionCheckTests
{
    private static readonly WorkerLimitOptions General = new()
    {
        MemoryMax = 1 << 30,
        PidsMax = 100,
        OpenFiles = 500,
        CpuSeconds = 50,
        FileSize = 1000,
        Umask = "0027",
        Nice = 3,
        OomScoreAdj = 200,
    };

    [Fact]
    public void Restrictions_as_tight_as_the_general_limits_or_tighter_are_accepted()
    {
        Assert.Empty(Problems(job => job.Limits = new TighterLimitOptions
        {
            MemoryMax = 1 << 30,
            PidsMax = 100,
            CpuWeight = 100,
            OpenFiles = 500,
            CpuSeconds = 50,
            FileSize = 1000,
            Umask = "0027",
            Nice = 3,
            OomScoreAdj = 200,
        }));
        Assert.Empty(Problems(job => job.Limits = new TighterLimitOptions
        {
            MemoryMax = 1 << 25,
            PidsMax = 1,
            CpuWeight = 1,
            OpenFiles = 16,
            CpuSeconds = 1,
            FileSize = 0,
            Umask = "0777",
            Nice = 19,
            OomScoreAdj = 1000,
        }));
        Assert.Empty(
            Problems(
                job => job.Sandbox = new SandboxOptions
                {
                    ReadOnly = ["/usr", "~", "~/a"],
                    ReadWrite = ["/"],
                    NoNetwork = true,
                    Seccomp = "default",
                }));
        Assert.Empty(Problems(job => job.OutputLimit = 0));
    }

    [Theory]
    [InlineData("OutputLimit", """{ "OutputLimit": 5001 }""")]
    [InlineData("OutputLimit", """{ "OutputLimit": -1 }""")]
    [InlineData("Timeout", """{ "Timeout": "00:00:00" }""")]
    [InlineData("Timeout", """{ "Timeout": "2.00:00:00" }""")]
    [InlineData("Timeout", """{ "Timeout": "00:05:01" }""")]
    [InlineData("Limits:CoreSize", """{ "Limits": { "CoreSize": 1 } }""")]
    [InlineData("Limits:CoreSize", """{ "Limits": { "CoreSize": -1 } }""")]
    [InlineData("Limits:MemoryMax", """{ "Limits": { "MemoryMax": 1073741825 } }""")]
    [InlineData("Limits:MemoryMax", """{ "Limits": { "MemoryMax": 1 } }""")]
    [InlineData("Limits:PidsMax", """{ "Limits": { "PidsMax": 101 } }""")]
    [InlineData("Limits:PidsMax", """{ "Limits": { "PidsMax": 0 } }""")]
    [InlineData("Limits:CpuWeight", """{ "Limits": { "CpuWeight": 101 } }""")]
    [InlineData("Limits:OpenFiles", """{ "Limits": { "OpenFiles": 501 } }""")]
    [InlineData("Limits:OpenFiles", """{ "Limits": { "OpenFiles": 15 } }""")]
    [InlineData("Limits:CpuSeconds", """{ "Limits": { "CpuSeconds": 51 } }""")]
    [InlineData("Limits:FileSize", """{ "Limits": { "FileSize": 1001 } }""")]
    [InlineData("Limits:Umask", """{ "Limits": { "Umask": "0022" } }""")]
    [InlineData("Limits:Umask", """{ "Limits": { "Umask": "rwx" } }""")]
    [InlineData("Limits:Nice", """{ "Limits": { "Nice": 2 } }""")]
    [InlineData("Limits:Nice", """{ "Limits": { "Nice": 20 } }""")]
    [InlineData("Limits:OomScoreAdj", """{ "Limits": { "OomScoreAdj": 199 } }""")]
    [InlineData("Limits:OomScoreAdj", """{ "Limits": { "OomScoreAdj": 1001 } }""")]
    [InlineData("Sandbox:Seccomp", """{ "Sandbox": { "Seccomp": "strict" } }""")]
    [InlineData("Sandbox:ReadOnly:1", """{ "Sandbox": { "ReadOnly": [ "/usr", "relative" ] } }""")]
    [InlineData("Sandbox:ReadWrite:0", """{ "Sandbox": { "ReadWrite": [ "~alice" ] } }""")]
    [InlineData("Sandbox:ReadWrite:0", """{ "Sandbox": { "ReadWrite": [ "/a\u0000b" ] } }""")]
    public void Restrictions_that_are_looser_or_out_of_range_are_rejected_with_the_key(string key, string json)
    {
        IConfiguration wrong = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build();

        Assert.Equal([$"Commands:a:{key}", $"Jobs:b:{key}"], Problems(wrong.Bind).Select(problem => problem.Key));
    }

    [Fact]
    public void An_invalid_job_name_is_rejected()
    {
        var options = new DaemonOptions();
        options.Jobs["no name"] = new JobRestrictionOptions();
        Assert.Equal("Jobs:no name", Assert.Single(RestrictionCheck.Problems(options)).Key);
    }

    private static (string Key, string Problem)[] Problems(Action<JobRestrictionOptions> change)
    {
        var options = new DaemonOptions { Limits = { Worker = General, OutputLimit = 5000 } };
        options.Commands["a"] = new CommandOptions();
        options.Jobs["b"] = new JobRestrictionOptions();
        change(options.Commands["a"]);
        change(options.Jobs["b"]);
        return [.. RestrictionCheck.Problems(options)];
    }
}
