namespace PipeForkAs.Protocol.Worker;

/// <summary>A message's first byte.</summary>
public enum MessageKind : byte
{
    /// <summary>Job host to daemon, first: <see cref="Worker.Hello"/>.</summary>
    Hello = 1,

    /// <summary>Job host to daemon, one for each job: <see cref="Worker.JobOffer"/>.</summary>
    JobOffer = 2,

    /// <summary>Job host to daemon: all jobs are told, the self-test passed, workers can be forked. No content.</summary>
    Ready = 3,

    /// <summary>Job host to daemon: it cannot serve and ends; <see cref="Worker.Refused"/>.</summary>
    Refused = 4,

    /// <summary>Daemon to job host: fork a worker. No content.</summary>
    Fork = 16,

    /// <summary>Job host to daemon: <see cref="Worker.Forked"/>, with the worker's control socket and its pidfd.</summary>
    Forked = 17,

    /// <summary>
    /// Job host to daemon: a worker ended; <see cref="Worker.WorkerExited"/>. Its process id stays taken until <see cref="Reap"/>.
    /// </summary>
    Exited = 18,

    /// <summary>Daemon to job host: <see cref="Worker.Reap"/> a worker that ended.</summary>
    Reap = 19,

    /// <summary>Job host to daemon: a fork failed; <see cref="Worker.ForkFailed"/>.</summary>
    ForkFailed = 20,

    /// <summary>Daemon to job host: answer. No content.</summary>
    Ping = 21,

    /// <summary>Job host to daemon: the answer. No content.</summary>
    Pong = 22,

    /// <summary>
    /// Daemon to worker: <see cref="Worker.WorkerOrder"/>, with the end of a stream for descriptor 2 where that is to be another than
    /// that of descriptor 1.
    /// </summary>
    WorkerOrder = 32,

    /// <summary>Worker to daemon: a step failed, the job did not run; <see cref="Worker.StepFailed"/>.</summary>
    StepFailed = 33,

    /// <summary>Worker to daemon: the job ended by itself; <see cref="Worker.Returned"/>.</summary>
    Returned = 34,

    /// <summary>Worker to daemon: it is the user, and the function runs next. What follows is the job's own word. No content.</summary>
    Began = 35,

    /// <summary>Worker to daemon: <see cref="Worker.ConsentAnswer"/>, where the order asked for that and not for a job.</summary>
    Consent = 36,
}
