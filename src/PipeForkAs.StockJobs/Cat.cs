using PipeForkAs.Jobs;

namespace PipeForkAs.StockJobs;

/// <summary>The job <c>cat</c>: a function that uses the job's streams.</summary>
internal static class Cat
{
    /// <summary>The default capacity of a pipe; pipe(7). A read never returns more.</summary>
    private const int PipeBytes = 64 * 1024;

    public static int Copy(JobContext context)
    {
        context.Input.CopyTo(context.Output, PipeBytes);
        return 0;
    }
}
