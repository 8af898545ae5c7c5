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
INSERT INTO "trial_params" VALUES(49,7,'weight.layer0.a',2.78357033624769600876e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(50,7,'weight.layer0.b',6.4107028313140412834e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(51,7,'weight.layer1.a',1.33128723479798694029e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(52,7,'weight.layer1.b',2.97207521563372933925e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(53,7,'weight.layer2.a',4.09459878096536944447e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(54,7,'weight.layer2.b',0.98038231675746,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(55,7,'lambda.outer',1.8021287675385710969e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(56,7,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(57,8,'weight.layer0.a',1.91435066868183345611e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(58,8,'weight.layer0.b',5.98377015105950427198e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(59,8,'weight.layer1.a',4.55152182190161846975e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(60,8,'weight.layer1.b',5.70686761653219409851e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(61,8,'weight.layer2.a',2.37760296528684156314e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(62,8,'weight.layer2.b',1.0455130681853,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(63,8,'lambda.outer',1.00973761400969719304e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(64,8,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(65,9,'weight.layer0.a',2.30588079208490559501e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(66,9,'weight.layer0.b',9.45586928825315586877e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(67,9,'weight.layer1.a',1.49675649315124248417e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(68,9,'weight.layer1.b',6.23098687657369199044e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(69,9,'weight.layer2.a',1.24638808438644610454e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(70,9,'weight.layer2.b',2.08781159650590719678e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(71,9,'lambda.outer',-4.83392364657102557856e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(72,9,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(73,10,'weight.layer0.a',8.26784852101771439158e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(74,10,'weight.layer0.b',6.14983094116690276464e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(75,10,'weight.layer1.a',7.93591783879288525938e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(76,10,'weight.layer1.b',1.33427666671166100798e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(77,10,'weight.layer2.a',1.80578464105162650454e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(78,10,'weight.layer2.b',2.75155804375913248804e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(79,10,'lambda.outer',7.66018266045529472307e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(80,10,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(81,11,'weight.layer0.a',9.9515066343742353272e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(82,11,'weight.layer0.b',5.76798630212028151653e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(83,11,'weight.layer1.a',1.31452603876878182376e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(84,11,'weight.layer1.b',1.60789346035097424625e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(85,11,'weight.layer2.a',1.65166768768062599548e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(86,11,'weight.layer2.b',2.51335513867770532492e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(87,11,'lambda.outer',8.1065605969352172444e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(88,11,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(89,12,'weight.layer0.a',2.84597692320830653045e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(90,12,'weight.layer0.b',7.37953501363198482998e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(91,12,'weight.layer1.a',3.14449440909423616474e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(92,12,'weight.layer1.b',1.75867059855472573914e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(93,12,'weight.layer2.a',5.08920896590397631165e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(94,12,'weight.layer2.b',0.771067874213934,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(95,12,'lambda.outer',5.1993500699890859984e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(96,12,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(97,13,'weight.layer0.a',3.13522869480901134053e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(98,13,'weight.layer0.b',4.01404100101773853026e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(99,13,'weight.layer1.a',2.62704464386061653513e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(100,13,'weight.layer1.b',1.82554458582357170826e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(101,13,'weight.layer2.a',2.53606162822471414841e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(102,13,'weight.layer2.b',1.07460999920762,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(103,13,'lambda.outer',1.0549055882639910564e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(104,13,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(105,14,'weight.layer0.a',3.60033010947352849484e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(106,14,'weight.layer0.b',5.92471831379272617645e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(107,14,'weight.layer1.a',1.73088609765949530405e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(108,14,'weight.layer1.b',8.08162499827652869299e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(109,14,'weight.layer2.a',1.3614225704647564541e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(110,14,'weight.layer2.b',7.69847790022466837989e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(111,14,'lambda.outer',-4.0226240439794058723e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(112,14,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(113,15,'weight.layer0.a',6.4811282295853034352e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(114,15,'weight.layer0.b',8.24163497049204218924e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(115,15,'weight.layer1.a',4.26832392408739824674e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
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
INSERT INTO "trial_values" VALUES(6,7,0,-1.66960903138669691792e+00,'FINITE');
INSERT INTO "trial_values" VALUES(7,8,0,-5.47411000736604425043e+00,'FINITE');
INSERT INTO "trial_values" VALUES(8,9,0,-6.1714802978148055601e+00,'FINITE');
INSERT INTO "trial_values" VALUES(9,11,0,-5.38984369496558457512e+00,'FINITE');
INSERT INTO "trial_values" VALUES(10,12,0,-2.63389349232090586028e+00,'FINITE');
INSERT INTO "trial_values" VALUES(11,13,0,-8.509017603112383199e+00,'FINITE');
INSERT INTO "trial_values" VALUES(12,14,0,-2.93558667560565433873e+00,'FINITE');
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
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-27 14:41:27.722492','2026-11-27 14:41:27.901991');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-27 14:41:27.948854','2026-11-27 14:41:28.110060');
INSERT INTO "trials" VALUES(3,2,1,'FAIL','2026-11-27 14:41:28.153693','2026-11-27 14:41:28.322692');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-27 14:41:28.360967','2026-11-27 14:41:28.534330');
INSERT INTO "trials" VALUES(5,4,1,'COMPLETE','2026-11-27 14:41:28.575120','2026-11-27 14:41:28.740660');
INSERT INTO "trials" VALUES(6,5,1,'COMPLETE','2026-11-27 14:41:28.779538','2026-11-27 14:41:28.961246');
INSERT INTO "trials" VALUES(7,6,1,'COMPLETE','2026-11-27 14:41:29.003696','2026-11-27 14:41:29.176599');
INSERT INTO "trials" VALUES(8,7,1,'COMPLETE','2026-11-27 14:41:29.212257','2026-11-27 14:41:29.383833');
INSERT INTO "trials" VALUES(9,8,1,'COMPLETE','2026-11-27 14:41:29.414463','2026-11-27 14:41:29.619588');
INSERT INTO "trials" VALUES(10,9,1,'FAIL','2026-11-27 14:41:29.651791','2026-11-27 14:41:29.843549');
INSERT INTO "trials" VALUES(11,10,1,'COMPLETE','2026-11-27 14:41:29.874485','2026-11-27 14:41:30.058422');
INSERT INTO "trials" VALUES(12,11,1,'COMPLETE','2026-11-27 14:41:30.090916','2026-11-27 14:41:30.261360');
INSERT INTO "trials" VALUES(13,12,1,'COMPLETE','2026-11-27 14:41:30.287130','2026-11-27 14:41:30.448018');
INSERT INTO "trials" VALUES(14,13,1,'COMPLETE','2026-11-27 14:41:30.477687','2026-11-27 14:41:30.621908');
INSERT INTO "trials" VALUES(15,14,1,'RUNNING','2026-11-27 14:41:30.688551',NULL);
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
