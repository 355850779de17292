namespace PipeForkAs.Protocol.Worker;

/// <summary>A message's first byte.</summary>
public enum MessageKind : byte
{
    /// <summary>Job host to daemon, first: <see cref="Worker.Hello"/>.</summary>
    Hello = 1,

    /// <summary>Job host to daemon, one for each job: <see cref="Worker.JobOffer"/>.</summary>
    JobOffer = 2,

    /// <summary>Job host to daemon: all jobs are listed, the self-test has passed, workers can be forked. No content.</summary>
    Ready = 3,

    /// <summary>Job host to daemon: it cannot serve and ends; <see cref="Worker.Refused"/>.</summary>
    Refused = 4,

    /// <summary>Daemon to job host: fork a worker. No content.</summary>
    Fork = 16,

    /// <summary>Job host to daemon: <see cref="Worker.Forked"/>, with the worker's control socket and its pidfd.</summary>
    Forked = 17,

    /// <summary>Job host to daemon: a worker has ended; <see cref="Worker.WorkerExited"/>. Its process id stays in use until
    /// <see cref="Reap"/>.
    /// </summary>
    Exited = 18,

    /// <summary>Daemon to job host: <see cref="Worker.Reap"/> a worker that ended.</summary>
    Reap = 19,

    /// <summary>Job host to daemon: a fork failed; <see cref="Worker.ForkFailed"/>.</summary>
    ForkFailed = 20,

    /// <summary>Daemon to job host: checks that the job host responds. No content.</summary>
    Ping = 21,

    /// <summary>Job host to daemon: the response. No content.</summary>
    Pong = 22,

    /// <summary>Daemon to worker: <see cref="Worker.WorkerOrder"/>, with a stream's end for descriptor 2 if descriptors 1 and 2 are
    /// different streams.
    /// </summary>
    WorkerOrder = 32,

    /// <summary>Worker to daemon: a step failed, the job did not run; <see cref="Worker.StepFailed"/>.</summary>
    StepFailed = 33,

    /// <summary>Worker to daemon: the job ended by itself; <see cref="Worker.Returned"/>.</summary>
    Returned = 34,

    /// <summary>Worker to daemon: the worker is the user, and the function runs next. The job may have written anything that follows. No
    /// content.
    /// </summary>
    Began = 35,

    /// <summary>Worker to daemon: <see cref="Worker.ConsentAnswer"/>, if the order requested that and not a job.</summary>
    Consent = 36,
}
