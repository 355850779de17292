using System.Text;
using PipeForkAs.Jobs;

namespace PipeForkAs.TestJobs;

/// <summary>Writes a line to the standard output of a job.</summary>
internal static class Output
{
    public static void Line(this JobContext context, string text) => context.Output.Write(Encoding.UTF8.GetBytes($"{text}\n"));
}
