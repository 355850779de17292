using System.Text;
using PipeForkAs.Jobs;

namespace PipeForkAs.TestJobs;

/// <summary>A line on a job's standard output.</summary>
internal static class Output
{
    public static void Line(this JobContext context, string text) => context.Output.Write(Encoding.UTF8.GetBytes($"{text}\n"));
}
