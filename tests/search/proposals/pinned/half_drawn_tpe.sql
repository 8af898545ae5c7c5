BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'s');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'weight.layer0.a',0.1,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(2,1,'weight.layer0.b',0.1,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(3,1,'weight.layer1.a',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(4,1,'weight.layer1.b',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(5,1,'weight.layer2.a',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(6,1,'weight.layer2.b',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(7,1,'lambda.outer',-0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(8,1,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(9,2,'weight.layer0.a',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(10,2,'weight.layer0.b',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(11,2,'weight.layer1.a',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(12,2,'weight.layer1.b',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(13,2,'weight.layer2.a',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(14,2,'weight.layer2.b',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(15,2,'lambda.outer',-9.99999999999999777955e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(16,2,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(17,3,'weight.layer0.a',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(18,3,'weight.layer0.b',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(19,3,'weight.layer1.a',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(20,3,'weight.layer1.b',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(21,3,'weight.layer2.a',0.9,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(22,3,'weight.layer2.b',0.9,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(23,3,'lambda.outer',9.99999999999999777955e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(24,3,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(25,4,'weight.layer0.a',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(26,4,'weight.layer0.b',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(27,4,'weight.layer1.a',0.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(28,4,'weight.layer1.b',0.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(29,4,'weight.layer2.a',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(30,4,'weight.layer2.b',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(31,4,'lambda.outer',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(32,4,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(33,5,'weight.layer0.a',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(34,5,'weight.layer0.b',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(35,5,'weight.layer1.a',1.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(36,5,'weight.layer1.b',1.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(37,5,'weight.layer2.a',1.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(38,5,'weight.layer2.b',1.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(39,5,'lambda.outer',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(40,5,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(41,6,'weight.layer0.a',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(42,6,'weight.layer0.b',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(43,6,'weight.layer1.a',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(44,6,'weight.layer1.b',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(45,6,'weight.layer2.a',1.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(46,6,'weight.layer2.b',1.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(47,6,'lambda.outer',0.7,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(48,6,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(49,7,'weight.layer0.a',3.51725368646728236976e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(50,7,'weight.layer0.b',6.26007760364840293298e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(51,7,'weight.layer1.a',3.57496706612670411828e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(52,7,'weight.layer1.b',3.99182463193088032937e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(53,7,'weight.layer2.a',2.60754920871614226385e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(54,7,'weight.layer2.b',8.34744377162389250557e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(55,7,'lambda.outer',1.14727109600012466827e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(56,7,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(57,8,'weight.layer0.a',8.1174743805902993543e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(58,8,'weight.layer0.b',7.3572705932119542016e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(59,8,'weight.layer1.a',0.857328804130626,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(60,8,'weight.layer1.b',3.40654736332733354409e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(61,8,'weight.layer2.a',6.34767593208435121354e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(62,8,'weight.layer2.b',2.05376419248176678156e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(63,8,'lambda.outer',6.58393810339317431257e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(64,8,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(65,9,'weight.layer0.a',3.01392695210334293776e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(66,9,'weight.layer0.b',2.55626748829294370146e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(67,9,'weight.layer1.a',2.25408518124331214149e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(68,9,'weight.layer1.b',4.81321087755823051601e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(69,9,'weight.layer2.a',1.35610286855798478633e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(70,9,'weight.layer2.b',2.852822193314,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(71,9,'lambda.outer',1.2172409641668477942e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(72,9,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(73,10,'weight.layer0.a',8.11847210538354291387e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(74,10,'weight.layer0.b',3.57660325124229738769e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(75,10,'weight.layer1.a',1.75627055305498824822e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(76,10,'weight.layer1.b',6.78897607484949761058e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(77,10,'weight.layer2.a',2.7236496674261454487e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(78,10,'weight.layer2.b',1.46337257484938110252e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(79,10,'lambda.outer',-3.41046454763032858004e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(80,10,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(81,11,'weight.layer0.a',0.877594810756658,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(82,11,'weight.layer0.b',9.74063368074377516903e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(83,11,'weight.layer1.a',4.78939807819075968886e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(84,11,'weight.layer1.b',1.35401154967997361389e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(85,11,'weight.layer2.a',5.86642488033620623788e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(86,11,'weight.layer2.b',1.52976736314579664366e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(87,11,'lambda.outer',-2.53743858284885770437e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(88,11,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(89,12,'weight.layer0.a',8.79372545068480837571e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(90,12,'weight.layer0.b',6.4120474375516867127e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(91,12,'weight.layer1.a',2.86027529209747499727e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(92,12,'weight.layer1.b',9.91021882814344667878e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(93,12,'weight.layer2.a',1.53037048829722710507e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(94,12,'weight.layer2.b',4.74815253157041872178e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(95,12,'lambda.outer',-3.40685882273999152136e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(96,12,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(97,13,'weight.layer0.a',1.78699091865570314219e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(98,13,'weight.layer0.b',5.37760390771200413873e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(99,13,'weight.layer1.a',0.128058296388936,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(100,13,'weight.layer1.b',2.15493264985405441613e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(101,13,'weight.layer2.a',1.14861677332591644029e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(102,13,'weight.layer2.b',1.85920644668589152281e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(103,13,'lambda.outer',-4.71871776893564853772e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(104,13,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(105,14,'weight.layer0.a',1.56162682173964728615e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(106,14,'weight.layer0.b',1.59662128725697544107e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(107,14,'weight.layer1.a',8.0598013496429685154e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(108,14,'weight.layer1.b',2.1182522353042873564e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(109,14,'weight.layer2.a',3.96208368719119352618e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(110,14,'weight.layer2.b',1.665002624961547939e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(111,14,'lambda.outer',9.7434179966512379778e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(112,14,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(113,15,'weight.layer0.a',1.05967398478902172231e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(114,15,'weight.layer0.b',2.55666052601584592451e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(115,15,'weight.layer1.a',3.9259487089645861424e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'fixed_params','{"weight.layer0.a": 0.1, "weight.layer0.b": 0.1, "weight.layer1.a": 0.2, "weight.layer1.b": 0.2, "weight.layer2.a": 0.3, "weight.layer2.b": 0.3, "lambda.outer": -0.3, "method": "ties"}');
INSERT INTO "trial_system_attributes" VALUES(2,2,'fixed_params','{"weight.layer0.a": 0.2, "weight.layer0.b": 0.2, "weight.layer1.a": 0.4, "weight.layer1.b": 0.4, "weight.layer2.a": 0.6, "weight.layer2.b": 0.6, "lambda.outer": -0.09999999999999998, "method": "linear"}');
INSERT INTO "trial_system_attributes" VALUES(3,3,'fixed_params','{"weight.layer0.a": 0.3, "weight.layer0.b": 0.3, "weight.layer1.a": 0.6, "weight.layer1.b": 0.6, "weight.layer2.a": 0.9, "weight.layer2.b": 0.9, "lambda.outer": 0.09999999999999998, "method": "slerp"}');
INSERT INTO "trial_system_attributes" VALUES(4,4,'fixed_params','{"weight.layer0.a": 0.4, "weight.layer0.b": 0.4, "weight.layer1.a": 0.8, "weight.layer1.b": 0.8, "weight.layer2.a": 1.2, "weight.layer2.b": 1.2, "lambda.outer": 0.30000000000000004, "method": "ties"}');
INSERT INTO "trial_system_attributes" VALUES(5,5,'fixed_params','{"weight.layer0.a": 0.5, "weight.layer0.b": 0.5, "weight.layer1.a": 1.0, "weight.layer1.b": 1.0, "weight.layer2.a": 1.5, "weight.layer2.b": 1.5, "lambda.outer": 0.5, "method": "linear"}');
INSERT INTO "trial_system_attributes" VALUES(6,6,'fixed_params','{"weight.layer0.a": 0.6, "weight.layer0.b": 0.6, "weight.layer1.a": 1.2, "weight.layer1.b": 1.2, "weight.layer2.a": 1.8, "weight.layer2.b": 1.8, "lambda.outer": 0.7, "method": "slerp"}');
INSERT INTO "trial_system_attributes" VALUES(7,7,'tpe:relative_params:0','"{\"lambda.outer\": 1.1472710960001247, \"method\": \"ties\", \"weight.layer0.a\": 0.035172536864672824, \"weight.layer0.b\": 0.6260077603648403, \"weight.layer1.a\": 0.3574967066126704, \"weight.layer1.b\": 0.39918246319308803, \"weight.layer2.a\": 2.6075492087161423, \"weight.layer2.b\": 0.8347443771623893}"');
INSERT INTO "trial_system_attributes" VALUES(8,8,'tpe:relative_params:0','"{\"lambda.outer\": 0.6583938103393174, \"method\": \"ties\", \"weight.layer0.a\": 0.8117474380590299, \"weight.layer0.b\": 0.7357270593211954, \"weight.layer1.a\": 0.857328804130626, \"weight.layer1.b\": 0.34065473633273335, \"weight.layer2.a\": 0.06347675932084351, \"weight.layer2.b\": 0.20537641924817668}"');
INSERT INTO "trial_system_attributes" VALUES(9,9,'tpe:relative_params:0','"{\"lambda.outer\": 1.2172409641668478, \"method\": \"ties\", \"weight.layer0.a\": 0.3013926952103343, \"weight.layer0.b\": 0.25562674882929437, \"weight.layer1.a\": 0.02254085181243312, \"weight.layer1.b\": 0.48132108775582305, \"weight.layer2.a\": 1.3561028685579848, \"weight.layer2.b\": 2.852822193314}"');
INSERT INTO "trial_system_attributes" VALUES(10,10,'tpe:relative_params:0','"{\"lambda.outer\": -0.34104645476303286, \"method\": \"ties\", \"weight.layer0.a\": 0.8118472105383543, \"weight.layer0.b\": 0.35766032512422974, \"weight.layer1.a\": 0.17562705530549882, \"weight.layer1.b\": 0.6788976074849498, \"weight.layer2.a\": 2.7236496674261454, \"weight.layer2.b\": 1.463372574849381}"');
INSERT INTO "trial_system_attributes" VALUES(11,11,'tpe:relative_params:0','"{\"lambda.outer\": -0.25374385828488577, \"method\": \"ties\", \"weight.layer0.a\": 0.877594810756658, \"weight.layer0.b\": 0.09740633680743775, \"weight.layer1.a\": 0.47893980781907597, \"weight.layer1.b\": 1.3540115496799736, \"weight.layer2.a\": 0.5866424880336206, \"weight.layer2.b\": 1.5297673631457966}"');
INSERT INTO "trial_system_attributes" VALUES(12,12,'tpe:relative_params:0','"{\"lambda.outer\": -0.34068588227399915, \"method\": \"ties\", \"weight.layer0.a\": 0.8793725450684808, \"weight.layer0.b\": 0.6412047437551687, \"weight.layer1.a\": 0.2860275292097475, \"weight.layer1.b\": 0.9910218828143447, \"weight.layer2.a\": 1.530370488297227, \"weight.layer2.b\": 0.47481525315704187}"');
INSERT INTO "trial_system_attributes" VALUES(13,13,'tpe:relative_params:0','"{\"lambda.outer\": -0.047187177689356485, \"method\": \"ties\", \"weight.layer0.a\": 0.17869909186557031, \"weight.layer0.b\": 0.5377603907712004, \"weight.layer1.a\": 0.128058296388936, \"weight.layer1.b\": 0.21549326498540544, \"weight.layer2.a\": 0.11486167733259164, \"weight.layer2.b\": 1.8592064466858915}"');
INSERT INTO "trial_system_attributes" VALUES(14,14,'tpe:relative_params:0','"{\"lambda.outer\": 0.009743417996651238, \"method\": \"ties\", \"weight.layer0.a\": 0.15616268217396473, \"weight.layer0.b\": 0.15966212872569754, \"weight.layer1.a\": 0.08059801349642969, \"weight.layer1.b\": 0.21182522353042874, \"weight.layer2.a\": 0.39620836871911935, \"weight.layer2.b\": 0.01665002624961548}"');
INSERT INTO "trial_system_attributes" VALUES(15,15,'tpe:relative_params:0','"{\"lambda.outer\": 0.28145601675736615, \"method\": \"ties\", \"weight.layer0.a\": 0.10596739847890217, \"weight.layer0.b\": 0.2556660526015846, \"weight.layer1.a\": 0.3925948708964586, \"weight.layer1.b\": 0.747462741021976, \"weight.layer2.a\": 0.5854884021080962, \"weight.layer2.b\": 0.09665646940328242}"');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,-2.5999999999999995337e-01,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,-0.28,'FINITE');
INSERT INTO "trial_values" VALUES(3,4,0,-1.93999999999999972466e+00,'FINITE');
INSERT INTO "trial_values" VALUES(4,5,0,-3.88,'FINITE');
INSERT INTO "trial_values" VALUES(5,6,0,-6.46,'FINITE');
INSERT INTO "trial_values" VALUES(6,7,0,-6.3181608869956829011e+00,'FINITE');
INSERT INTO "trial_values" VALUES(7,8,0,-7.57354702789836409237e-01,'FINITE');
INSERT INTO "trial_values" VALUES(8,9,0,-8.38541724679596889302e+00,'FINITE');
INSERT INTO "trial_values" VALUES(9,11,0,-3.2187437034528092461e+00,'FINITE');
INSERT INTO "trial_values" VALUES(10,12,0,-2.68465000656275565305e+00,'FINITE');
INSERT INTO "trial_values" VALUES(11,13,0,-2.49388912969625886617e+00,'FINITE');
INSERT INTO "trial_values" VALUES(12,14,0,-7.00880562325665867895e-02,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-27 14:39:54.057846','2026-11-27 14:39:54.276562');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-27 14:39:54.319101','2026-11-27 14:39:54.503839');
INSERT INTO "trials" VALUES(3,2,1,'FAIL','2026-11-27 14:39:54.548938','2026-11-27 14:39:54.703835');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-27 14:39:54.869502','2026-11-27 14:39:55.043751');
INSERT INTO "trials" VALUES(5,4,1,'COMPLETE','2026-11-27 14:39:55.074601','2026-11-27 14:39:55.259689');
INSERT INTO "trials" VALUES(6,5,1,'COMPLETE','2026-11-27 14:39:55.298360','2026-11-27 14:39:55.485400');
INSERT INTO "trials" VALUES(7,6,1,'COMPLETE','2026-11-27 14:39:55.513478','2026-11-27 14:39:55.707762');
INSERT INTO "trials" VALUES(8,7,1,'COMPLETE','2026-11-27 14:39:55.743769','2026-11-27 14:39:55.930967');
INSERT INTO "trials" VALUES(9,8,1,'COMPLETE','2026-11-27 14:39:55.964541','2026-11-27 14:39:56.156505');
INSERT INTO "trials" VALUES(10,9,1,'FAIL','2026-11-27 14:39:56.189539','2026-11-27 14:39:56.387486');
INSERT INTO "trials" VALUES(11,10,1,'COMPLETE','2026-11-27 14:39:56.414288','2026-11-27 14:39:56.620000');
INSERT INTO "trials" VALUES(12,11,1,'COMPLETE','2026-11-27 14:39:56.653209','2026-11-27 14:39:56.861883');
INSERT INTO "trials" VALUES(13,12,1,'COMPLETE','2026-11-27 14:39:56.902864','2026-11-27 14:39:57.092251');
INSERT INTO "trials" VALUES(14,13,1,'COMPLETE','2026-11-27 14:39:57.121579','2026-11-27 14:39:57.335823');
INSERT INTO "trials" VALUES(15,14,1,'RUNNING','2026-11-27 14:39:57.431233',NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
